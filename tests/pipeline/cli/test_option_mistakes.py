"""Mistakes on the command line itself: exit code 2, nothing begun."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("setting", "message", "remedy"),
    [
        ("seeds", "--set seeds: not of the form key=value", "for example --set stages.teacher.fit.epochs=5"),
        ("=1", "--set =1: not of the form key=value", "for example"),
        ("a..b=1", "--set a..b=1: not of the form key=value", "for example"),
        ("seeds=[1", "--set seeds=[1: did not find expected", "quote it"),
        ("seeds.first=1", "--set seeds.first: seeds is not a mapping", "set seeds itself instead"),
        ("seed=1", "--set seed: no such key", "did you mean `seeds`?"),
        ("stages.teacher.fit.epochs=x", "--set stages.teacher.fit.epochs: expected a whole number, got text", "docs/"),
        (
            "stages.techer.fit.epochs=5",
            "--set stages.techer.fit.epochs: no entry `techer`",
            "did you mean `teacher`? known: encode, teacher, student",
        ),
        ("stages.techer.stage=traim", "stages.techer.stage: no stage 'traim'", "did you mean `train`?"),
        ("stages.techer={needs: [encode]}", "--set stages.techer: stages.techer.stage: no stage", "with `stage:`"),
        ("student.model.width=32", "--set student.model.width: no such key", "`stages.student.model.width`?"),
        ("studnet.model.width=32", "--set studnet.model.width: no such key", "`stages.student.model.width`?"),
        ("encode.inertial.window=3", "--set encode.inertial.window: no such key", "`stages.encode.inertial.window`?"),
        (
            "stages.student.model.width=abc",
            "--set stages.student.model.width: 'abc' is neither a whole number nor native",
            "docs/stages-file.md",
        ),
        ("stages.student.model.widht=3", "--set stages.student.model.widht: no such key", "did you mean `width`?"),
        ("seeds=0", "--set seeds: expected a list, got a whole number", "docs/"),
        ("stages.../../evil={stage: train}", "--set stages.../../evil={stage: train}: not of the form", "for example"),
        ("stages={../../evil: {stage: train}}", "--set stages: stages.../../evil: not a name for an entry", "letters"),
        ("stages={.evil: {stage: train}}", "stages..evil: not a name for an entry", "not first a dot"),
        (f"stages={{{'x' * 101}: {{stage: train}}}}", "x: not a name for an entry", "at most 100"),
        ("matrix={seeds: [[0], [0, 0]]}", "--set matrix: seeds: must be different", "for example seeds: [0, 1, 2]"),
        ("protocol=2024-01-31", "--set protocol: expected text or a mapping, got a date", "put quotes around it"),
        ("remote=[5]", "--set remote: remote[0]: expected text, got a whole number", "docs/"),
        ("source={name: [x]}", "--set source: source.name: no source ['x']", "known: sample"),
        ("stages.student.model={name: {x: y}}", "--set stages.student.model: no model {'x': 'y'}", "known: dmft"),
        ("stages.student.loss.name=[x]", "--set stages.student.loss.name: stages.student.loss: no loss", "known: "),
        ("stages.student.stage=[x]", "--set stages.student.stage: must be the name of a stage", "known: encode"),
        ("stages.student.needs=[encode, encode]", "--set stages.student.needs: names encode twice", "keep one"),
        ("matrix={5: [1]}", "--set matrix: a key is not text", "put quotes around it"),
        (
            "stages.teacher.model={name: dmft, heads: 7}",
            "--set stages.teacher.model: stages.teacher.model.heads: 7 does not divide the width 48",
            "choose of 1, 2, 3, 4, 6, 8, 12, 16, 24, 48",
        ),
        (
            "stages.student.loss.weights={foo: 0.5}",
            "--set stages.student.loss.weights: names foo, and not each of the student's streams",
            "skeleton/temporal, skeleton/spatial, inertial/temporal, inertial/spatial",
        ),
        (
            "stages.student={stage: train, needs: [encode], modalities: [skeleton], model: {name: trn, segments: 21}}",
            "stages.student.model.segments: 21 is more than the 20 patches of skeleton",
            "lower it, or encode skeleton with patches: 21",
        ),
        ("matrix={seeds: []}", "--set matrix: matrix.seeds: the list is empty", "at least one value"),
        ("seeds=!!set {0}", "--set seeds=!!set {0}: !!set is no plain value", ""),
        ("protocol=2024-13-45", "--set protocol=2024-13-45: 2024-13-45 is no timestamp", "quote it"),
    ],
)
def test_set(file: str, setting: str, message: str, remedy: str, said_here: Callable[..., Any]) -> None:
    said_here("status", "-f", file, "--set", setting).refuses(2, message, remedy)


@pytest.mark.parametrize(
    ("settings", "message", "remedy"),
    [
        (["source.name=utd-mhad"], "--set source.name: source.root: is missing", "add this key"),
        (["modalities=[depth]"], "--set modalities: stages.teacher.modalities: skeleton is not among", "known: depth"),
        (["seeds=[5]", "source.trials=1"], "--set source.trials: protocol: protocol trial: fold", "choose"),
        (["stages.encode.skeleton.keep_series=false"], "--set stages.encode.skeleton.keep_series: stages.cnn: ", "set"),
    ],
)
def test_set_that_does_not_go_with_the_file(
    file: str, settings: list[str], message: str, remedy: str, said_here: Callable[..., Any]
) -> None:
    """The line that is named without them is right as it stands, and no place to look at."""
    path = Path(file)
    text = path.read_text().replace("    model: dmft\n", "    model: dmft\n    modalities: [skeleton]\n")
    text = text.replace("subject-50-50", "trial")
    path.write_text(text + "  cnn: {stage: train, needs: [encode], model: cnn1d, modalities: [skeleton]}\n")
    options = [each for setting in settings for each in ("--set", setting)]
    said_here("status", "-f", file, *options).refuses(2, message, remedy)


def test_early_fusion_wants_as_many_patches_of_each_modality(file: str, said_here: Callable[..., Any]) -> None:
    settings = ["--set", "stages.encode.inertial.patches=9", "--set", "stages.teacher.model=early-fusion"]
    said_here("status", "-f", file, *settings).refuses(
        2, "stages.teacher.model: early-fusion wants as many patches of each modality, not skeleton 20, inertial 9"
    )


def test_a_mistake_of_the_file_is_its_own_whatever_is_set(file: str, said_here: Callable[..., Any]) -> None:
    path = Path(file)
    path.write_text(path.read_text().replace("model: dmft-lite", "model: dmft-lit"))
    said_here("status", "-f", file, "--set", "seeds=[5]").refuses(
        2, f"error: {file}:16: stages.student.model: no model"
    )


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (f"stages.teacher.fit.epochs={10**26}", "stages.teacher.fit.epochs: expected a whole number <= 1000000"),
        (f"seeds=[{10**26}]", "seeds[0]: expected a whole number <= 9223372036854775807"),
        ("stages.teacher.fit.lr=.inf", "stages.teacher.fit.lr: expected a number <= 1e+38"),
        ("stages.teacher.fit.lr=.nan", "stages.teacher.fit.lr: expected a number > 0.0"),
        (f"stages.teacher.fit.lr={10**400}", "stages.teacher.fit.lr: number out of range"),
        (f"stages.teacher.fit.epochs={'1' * 5000}", "--set stages.teacher.fit.epochs="),
        ("stages.encode.inertial.patches=90000", "stages.encode.inertial.patches: they span"),
        ("stages.student.model={name: cnn1d, blocks: 20}", "stages.student.model.growth: makes 2.1e+07 channels"),
        ("source={name: synthetic, actions: 9999, subjects: 9999, trials: 9999}", "source.trials: makes 999700029999"),
    ],
)
def test_numbers_out_of_range(file: str, said_here: Callable[..., Any], setting: str, message: str) -> None:
    if "patches" in setting:
        said_here("status", "-f", file, "--set", setting, "--set", "stages.encode.inertial.stride=900").refuses(
            2, message
        )
    else:
        said_here("status", "-f", file, "--set", setting).refuses(2, message)


def test_an_entry_with_dots_can_be_set(file: str, said_here: Callable[..., Any]) -> None:
    path = Path(file)
    path.write_text(path.read_text().replace("student", "student.v1.2"))
    setting = "stages.student.v1.2.model.width=x"
    said_here("status", "-f", file, "--set", setting).refuses(
        2, "--set stages.student.v1.2.model.width: 'x' is neither"
    )


@pytest.mark.parametrize("option", ["--until", "--only", "--force"])
def test_an_entry_that_is_not_there(file: str, option: str, said_here: Callable[..., Any]) -> None:
    said_here("run", "-f", file, option, "techer").refuses(
        2, f"{option} techer: no such entry in {file}", "did you mean `teacher`?"
    )
    assert [each.name for each in Path(file).parent.iterdir()] == ["stages.yaml"]


def test_push_to_nowhere(file: str, said_here: Callable[..., Any]) -> None:
    said_here("push", "-f", file, "--remote", "").refuses(2, "the store's URL is empty; name a folder or a URL")


def test_a_run_that_is_not_there(file: str, said_here: Callable[..., Any]) -> None:
    said_here("runs", "keep", "-f", file, "best").refuses(2, "RUN best: no such run of stages.yaml", "none yet")


def test_explain_a_step_that_is_not_there(file: str, said_here: Callable[..., Any]) -> None:
    for command in ("explain", "push", "verify"):
        said_here(command, "-f", file, "techer").refuses(
            2, f"WHAT techer: no such entry or step in {file}", "did you mean `teacher`?"
        )
    said_here("explain", "-f", file, "encode[rgb]").refuses(2, "known: encode[skeleton], encode[inertial]")


def test_only_without_what_it_needs(file: str, said_here: Callable[..., Any]) -> None:
    said_here("run", "-f", file, "--only", "teacher").refuses(
        2, "--only teacher: needs encode[skeleton], which is not in the store", "use --until teacher"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--until", "teacher", "--only", "teacher"], "--until and --only exclude each other"),
        (["results", "--json", "--per-recording"], "--json and --per-recording exclude each other"),
        (["gc", "--forget", ""], "--forget: names nothing"),
        (["accept", "encode", "--tolerance", "nan"], "--tolerance nan: not a number"),
        (["run", "--device", "tpu"], "'tpu' is not one of 'auto', 'cpu', 'cuda'"),
        (["run", "--jobs", "0"], "'--jobs': 0 is not in the range x>=1"),
        (["run", "--jbos", "2"], "--jbos"),
        (["rnu"], "rnu"),
        (["explain"], "Missing argument 'WHAT'"),
    ],
)
def test_usage(file: str, arguments: list[str], message: str, said_here: Callable[..., Any]) -> None:
    with_file = [*arguments, "-f", file] if arguments not in (["rnu"], ["explain"]) else arguments
    said_here(*with_file).refuses(2, "Usage: pipeline", message)


class TestSourceFolder:
    WANTED = "set source.root to the folder of utd-mhad (--set source.root=DIR)"

    def status(self, file: str, root: Path) -> list[str]:
        return ["status", "-f", file, "--set", "source.name=utd-mhad", "--set", f"source.root={root}"]

    def test_missing(self, file: str, tmp_path: Path, said_here: Callable[..., Any]) -> None:
        root = tmp_path / "lost"
        said_here(*self.status(file, root)).refuses(2, f"source.root: there is no folder {root}", self.WANTED)

    def test_empty(self, file: str, tmp_path: Path, said_here: Callable[..., Any]) -> None:
        root = tmp_path / "empty"
        root.mkdir()
        said_here(*self.status(file, root)).refuses(2, f"source.root: {root} holds no recordings", self.WANTED)

    def test_with_other_files(self, file: str, tmp_path: Path, said_here: Callable[..., Any]) -> None:
        root = tmp_path / "other"
        (root / "Inertial").mkdir(parents=True)
        (root / "Inertial" / "holiday.mat").write_bytes(b"")
        said_here(*self.status(file, root)).refuses(
            2, f"no file in {root} has a recording's name", "Inertial/holiday.mat: not named like", self.WANTED
        )

    def test_not_given(self, file: str, said_here: Callable[..., Any]) -> None:
        said_here("status", "-f", file, "--set", "source.name=utd-mhad").refuses(
            2, "source.root: is missing", "add this key"
        )


@pytest.mark.parametrize("text", ["010", "1:30", "0x10", "1_000"])
def test_numbers_that_could_be_others(file: str, text: str, said_here: Callable[..., Any]) -> None:
    key = "stages.teacher.fit.epochs"
    said_here("status", "-f", file, "--set", f"{key}={text}").refuses(2, f"{key}: expected a whole number, got text")


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ('store="a\\0b"', "store"),
        ('remote=["~x\\0/b"]', "remote[0]"),
        ('remote="~x\\0/b"', "remote"),
        ('source={name: utd-mhad, root: "a\\0b"}', "source.root"),
        ('stages.encode={"a\\0b": {}}', "stages.encode."),
        ('store.a="~x\\0"', "store.a"),
    ],
)
def test_nul_characters(file: str, setting: str, key: str, said_here: Callable[..., Any]) -> None:
    said_here("status", "-f", file, "--set", setting).refuses(2, f"--set {key}", "holds a NUL character", "take it out")


def test_nul_characters_of_the_file(file: str, said_here: Callable[..., Any]) -> None:
    path = Path(file)
    path.write_text(path.read_text().replace("store: .store", 'store: "a\\0b"'))
    said_here("status", "-f", file).refuses(2, f"{file}:1: store: holds a NUL character", "take it out")


@pytest.mark.parametrize("url", ["file:///a%00b", "s3://bucket/a%00b", "memory://a%00b"])
def test_nul_characters_of_a_url(file: str, url: str, said_here: Callable[..., Any]) -> None:
    said_here("push", "-f", file, "--remote", url).refuses(2, "holds a NUL character; take it out")


@pytest.mark.parametrize("text", ["inf", "nan", "-1", "1e300", "soon"])
@pytest.mark.parametrize("name", ["SILENT", "TIMEOUT", "LEASE", "WORKER_WAIT"])
def test_seconds_of_the_environment(
    file: str, name: str, text: str, said_here: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PIPELINE_{name}_SECONDS", text)
    said_here("status", "-f", file).refuses(2, f"PIPELINE_{name}_SECONDS={text}: must be a number of seconds from")


def test_a_value_that_is_none_of_many(said_here: Callable[..., Any], tmp_path: Path) -> None:
    """Each is named once, the nearest first."""
    streams = "{watch: {files: '{subject}_{label}.csv', rate: 10, units: m/s}}"
    (tmp_path / "stages.yaml").write_text(
        f"source: {{name: folder, root: ., streams: {streams}}}\nmodalities: [watch]\nprotocol: loso\nstages: {{}}\n"
    )
    said = said_here("status", "-f", str(tmp_path / "stages.yaml"))
    said.refuses(2, "watch.units: 'm/s' is not known", "did you mean `m/s2`? known: g, m/s2,", "uT, raw; or a list")
    assert said.err.count("deg/s") == 1


def test_a_command_that_is_mistyped(said_here: Callable[..., Any]) -> None:
    said_here("runn").refuses(2, "No such command 'runn'", "did you mean `run`?")
    said_here("runs", "kep").refuses(2, "No such command 'kep'", "did you mean `keep`? known: drop, keep")
    said_here("store", "shw").refuses(2, "No such command 'shw'", "did you mean `show`?")


def test_a_data_set_that_is_mistyped(said_here: Callable[..., Any], tmp_path: Path) -> None:
    file = str(tmp_path / "stages.yaml")
    said_here("init", "-f", file, "--dataset", "pamap").refuses(2, "--dataset pamap: is not known", "`pamap2`?")


@pytest.mark.parametrize("command", ["init", "run", "status", "explain", "accept", "inspect", "store ls", "store show"])
def test_help_says_what_it_is_for_and_gives_an_example(said_here: Callable[..., Any], command: str) -> None:
    said = said_here(*command.split(), "--help")
    assert said.code == 0
    assert f"Example: pipeline {command}" in said.out


def test_a_default_that_no_entry_leaves_open_is_told(project: Any) -> None:
    said = project.command("status", "--set", "fit.epochs=5").stderr
    assert "--set fit.epochs changes nothing" in said
    assert "stages.teacher.fit.epochs" in said
    assert "changes nothing" not in project.command("status", "--set", "fit.lr=0.01").stderr
