"""Mistakes in the stages file: found before any work, with file, line, key and remedy; exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

Mistake = tuple[str, str, int, str, str]  # what stands there, what the user wrote, line, message, remedy


@pytest.fixture
def check(tmp_path: Path, said_here: Callable[..., Any]) -> Callable[..., None]:
    """A function that asserts what is said of a stages file's text, and that nothing was begun."""

    def check(text: str, line: int | None, *parts: str) -> None:
        path = tmp_path / "stages.yaml"
        path.write_text(text)
        place = f"{path}:{line}: " if line else str(path)
        said_here("run", "-f", str(path)).refuses(2, f"error: {place}", *parts)
        assert [each.name for each in tmp_path.iterdir()] == ["stages.yaml"]

    return check


def test_the_file_is_good_without_a_mistake(tmp_path: Path, said_here: Callable[..., Any], good: str) -> None:
    (tmp_path / "stages.yaml").write_text(good)
    assert said_here("status", "-f", str(tmp_path / "stages.yaml")).code == 0


UNKNOWN_KEYS = {
    "at the top": ("seeds: [0, 1]", "seed: [0, 1]", 5, "seed: no such key", "did you mean `seeds`?"),
    "of an entry": ("fit: {", "fits: {", 12, "stages.teacher.fits: no such key", "did you mean `fit`?"),
    "deep in an entry": (
        "{epochs: 5}", "{epoch: 5}", 12, "stages.teacher.fit.epoch: no such key", "did you mean `epochs`?"
    ),
    "of a modality": (
        "encode: {}", "encode: {inertial: {widow: 9}}", 7, "stages.encode.inertial.widow: no such key",
        "did you mean `window`?",
    ),
    "of a loss": (
        "loss: dmft-kd", "loss: {name: dmft-kd, temp: 4}", 17, "stages.student.loss.temp: no such key", "known: w_cs",
    ),
    "of a source": ("{name: sample}", "{name: sample, seeds: 1}", 2, "source.seeds: no such key", "`seed`?"),
}  # fmt: skip
WRONG_VALUES = {
    "text for a number": (
        "epochs: 5", "epochs: many", 12, "stages.teacher.fit.epochs: expected a whole number, got text",
        "docs/stages-file.md",
    ),
    "a number out of range": ("epochs: 5", "epochs: 0", 12, "stages.teacher.fit.epochs: expected", ">= 1"),
    "a number for a mapping": (
        "fit: {epochs: 5}", "fit: 5", 12, "stages.teacher.fit: expected a mapping, got a whole number", "docs/",
    ),
    "a number for a list": ("[0, 1]", "3", 5, "seeds: expected a list, got a whole number", "docs/"),
    "text in a list": ("[0, 1]", "[0, one]", 5, "seeds[1]: expected a whole number, got text", "docs/"),
    "a number for an entry": (
        "encode: {}", "encode: 5", 7, "stages.encode: expected a mapping or nothing, got a whole number", "docs/",
    ),
    "not one of a few words": (
        "encode: {}", "encode: {inertial: {align: strech}}", 7, "stages.encode.inertial.align: 'strech' is not known",
        "known: resample, spread, pad, truncate",
    ),
    "half a sample": (
        "encode: {}", "encode: {inertial: {window: 2.5}}", 7, "stages.encode.inertial.window: 2.5 is not a whole",
        "round it or set unit: seconds",
    ),
    "the same seed twice": ("[0, 1]", "[1, 1]", 5, "seeds: must be different", "for example seeds: [0, 1, 2]"),
    "a number for a remote": ("[0, 1]", "[0, 1]\nremote: 5", 6, "remote: expected text or a list", "docs/"),
    "a text for needs": (
        "needs: [encode, teacher]", "needs: encode", 15, "stages.student.needs: must be a list", "needs: [encode]",
    ),
}  # fmt: skip
NAMES = {
    "of a path": (
        "  student:\n", "  ../../evil:\n", 13, "stages.../../evil: not a name for an entry", "take letters, digits",
    ),
    "hidden": ("  student:\n", "  .student:\n", 13, "stages..student: not a name for an entry", "not first a dot"),
    "with a space": ("  student:\n", "  my student:\n", 13, "stages.my student: not a name", "take letters"),
    "empty": ("  student:\n", "  '':\n", 13, "stages.: not a name for an entry", "take letters"),
    "of controls": ("  student:\n", '  "\\e[2J":\n', 13, r"stages.\x1b[2J: not a name for an entry", "take letters"),
    "at the top": (
        "stages:\n", "teacher: {}\nstages:\n", 6, "teacher: no such key at the top", "did you mean `stages.teacher`?",
    ),
    "of a matrix": (
        "seeds:", "matrix: {../../evil: [1]}\nseeds:", 5, "matrix.../../evil: is no key", "write keys as for --set",
    ),
    "of a protocol": ("subject-50-50", "../../evil", 4, "protocol: no protocol '../../evil'", "known: "),
}  # fmt: skip
UNKNOWN_NAMES = {
    "stage": (
        "stage: distil", "stage: distill", 14, "stages.student.stage: no stage 'distill'", "did you mean `distil`?",
    ),
    "stage of an entry that says none": (
        "    stage: train\n", "", 8, "stages.teacher.stage: no stage 'teacher'", "say which with `stage:`",
    ),
    "modality": (
        "[skeleton, inertial]", "[skeleton, inertail]", 3, "modalities[1]: source sample has no modality 'inertail'",
        "did you mean `inertial`?",
    ),
    "modality of encode": (
        "encode: {}", "encode: {audio: {}}", 7, "stages.encode.audio: source sample has no modality audio",
        "known: rgb, depth, skeleton, inertial",
    ),
    "modality of one model": (
        "model: dmft\n", "model: dmft\n    modalities: [rgb]\n", 12,
        "stages.teacher.modalities: rgb is not among `modalities`", "known: skeleton, inertial",
    ),
    "protocol": (
        "subject-50-50", "subject-50", 4, "protocol: no protocol 'subject-50'", "did you mean `subject-50-50`?",
    ),
    "model": ("model: dmft\n", "model: dmtf\n", 11, "stages.teacher.model: no model 'dmtf'", "`dmft`? known:"),
    "loss": ("loss: dmft-kd", "loss: kd", 17, "stages.student.loss: no loss 'kd'", "known: dmft-kd"),
    "source": ("name: sample", "name: smaple", 2, "source.name: no source 'smaple'", "did you mean `sample`?"),
    "need": (
        "[encode, teacher]", "[encode, techer]", 15, "stages.student.needs: no entry 'techer'",
        "did you mean `teacher`?",
    ),
}  # fmt: skip
WRONG_NEEDS = {
    "an entry needs itself": (
        "[encode, teacher]", "[encode, student]", 15, "stages.student.needs: a cycle: student -> student",
        "remove one of these needs",
    ),
    "evaluate cannot read features": (
        "[teacher, student]", "[encode]", 18, "encode is of stage encode; evaluate can need train or distil", "fix",
    ),
    "distil without a teacher": (
        "[encode, teacher]", "[encode]", 15, "names 0 teachers", "name exactly one train, distil or ensemble entry",
    ),
    "train without features": ("    needs: [encode]\n", "", 8, "stages.teacher: needs nothing", "add needs: [...]"),
    "index is not an entry": (
        "encode: {}", "encode: {}\n  index: {}", 8, "stages.index: index is always there", "leave it out",
    ),
}  # fmt: skip
NOT_YAML = {
    "a bracket is not closed": ("[0, 1]", "[0, 1", 6, "not valid YAML: did not find expected ',' or ']'", "fix"),
    "a tab": ("  encode: {}", "\tencode: {}", 7, "not valid YAML: found character that cannot start", "fix"),
    "a key twice": ("seeds: [0, 1]", "store: b", 5, "store: stands twice (before on line 1)", "keep one"),
    "an alias bomb": (
        "[0, 1]", "&a [[0, 0, 0, 0, 0, 0, 0, 0, 0]]\nmatrix:\n" + "".join(
            f"  {new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in pairwise("abcdefghij")
        ), 10, "has more than 50000 values, with its aliases (*) written out", "use fewer aliases",
    ),
    "a bomb of merged keys": (
        "[0, 1]", "[0]\nmatrix:\n  a: &a {x: 1}\n" + "".join(
            f"  {new}: &{new} {{<<: [{', '.join([f'*{old}'] * 9)}]}}\n" for old, new in pairwise("abcdefghij")
        ), 12, "has more than 50000 values, with its aliases (*) written out", "use fewer aliases",
    ),
    "one long text many times": (
        "[0, 1]", f"&a {'x' * 900_000}\nmatrix: [{'*a, ' * 900}]", 6, "has more than 50000 values", "use fewer aliases",
    ),
    "an alias within itself": ("[0, 1]", "&a [*a]", 5, "an alias (*) refers to what it stands in", "write the value"),
    "nested without end": ("[0, 1]", "[" * 100_000, 5, "nested deeper than 50", "some ten levels"),
    "mappings without end": ("[0, 1]", "{a: " * 1000, 5, "nested deeper than 50", "some ten levels"),
    "a number of 5000 digits": ("[0, 1]", f"[{'1' * 5000}]", 5, "111... is no int", "put quotes"),
    "a date that is none": ("subject-50-50", "2024-13-45", 4, "2024-13-45 is no timestamp", "put quotes"),
    "an object of Python": (
        "[0, 1]", "!!python/object/apply:os.getcwd []", 5, "could not determine a constructor", "fix"
    ),
    "a set": ("[0, 1]", "!!set {0, 1}", 5, "seeds: !!set is no plain value", "write a list, such as [a, b]"),
    "pairs": ("{epochs: 5}", "!!pairs [epochs: 5]", 12, "stages.teacher.fit: !!pairs is no plain value", "a mapping"),
    "bytes": ("subject-50-50", "!!binary YWJj", 4, "protocol: !!binary is no plain value", "write text"),
    "an entry twice": (
        "  student:\n", "  teacher:\n", 13, "stages.teacher: stands twice (before on line 8)", "keep one",
    ),
}  # fmt: skip

ALL = {
    f"{kind}: {name}": mistake
    for kind, mistakes in {
        "unknown key": UNKNOWN_KEYS,
        "wrong value": WRONG_VALUES,
        "unknown": UNKNOWN_NAMES,
        "name": NAMES,
        "needs": WRONG_NEEDS,
        "YAML": NOT_YAML,
    }.items()
    for name, mistake in mistakes.items()
}


@pytest.mark.parametrize("mistake", ALL.values(), ids=ALL)
def test_a_mistake_is_told_with_line_key_and_remedy(mistake: Mistake, good: str, check: Callable[..., None]) -> None:
    right, wrong, line, message, remedy = mistake
    assert right in good
    check(good.replace(right, wrong, 1), line, message, remedy)


def test_a_cycle_of_two_entries(good: str, check: Callable[..., None]) -> None:
    text = good.replace("needs: [encode, teacher]", "needs: [encode, other]") + (
        "  other: {stage: distil, needs: [encode, student], model: dmft-lite, loss: dmft-kd}\n"
    )
    check(text, 15, "stages.student.needs: a cycle: student -> other -> student", "remove one of these needs")


@pytest.mark.parametrize("key", ["modalities", "protocol", "stages"])
def test_a_key_that_must_be_there(key: str, good: str, check: Callable[..., None]) -> None:
    text = good[: good.index("stages:")] if key == "stages" else "".join(
        line for line in good.splitlines(keepends=True) if not line.startswith(key)
    )  # fmt: skip
    check(text, None, f"{key}: is missing", "docs/stages-file.md")


@pytest.mark.parametrize("text", ["", "just a text\n", "- a\n- list\n"])
def test_something_else_than_a_stages_file(text: str, check: Callable[..., None]) -> None:
    check(text, None, "modalities: is missing" if not text else "must be a mapping", "stages")


def test_no_stages_file(tmp_path: Path, said_here: Callable[..., Any]) -> None:
    path = tmp_path / "stagse.yaml"
    said_here("status", "-f", str(path)).refuses(2, f"{path}: no such stages file", "`-f FILE`")


def test_weights_that_are_not_there(tmp_path: Path, good: str, check: Callable[..., None]) -> None:
    text = good.replace("inertial]", "depth]").replace("encode: {}", "encode: {depth: {weights: lost.pth}}")
    missing = str(tmp_path / "lost.pth")
    check(text, 7, "stages.encode.depth.weights: no such weights file", missing, "give a .safetensors or")


@pytest.mark.parametrize(
    ("weights", "message", "remedy"),
    [
        ("DEFAULT", "DEFAULT means other weights in other versions of torchvision", "name them"),
        ("abc", "'abc' is no name of weights", "give torchvision's name of them"),
    ],
)
def test_weights_that_have_no_such_name(
    weights: str, message: str, remedy: str, good: str, check: Callable[..., None]
) -> None:
    text = good.replace("inertial]", "depth]").replace("encode: {}", f"encode: {{depth: {{weights: {weights}}}}}")
    check(text, 7, f"stages.encode.depth.weights: {message}", remedy)


def test_a_store_at_an_url_of_another_kind(tmp_path: Path, said_here: Callable[..., Any], good: str) -> None:
    (tmp_path / "stages.yaml").write_text(good.replace(".store", "ftp://host/store"))
    said_here("status", "-f", str(tmp_path / "stages.yaml")).refuses(
        2, "store: no store can be opened at ftp://host/store", "use a folder or one of file://"
    )


class TestProtocolsThatLeaveAFoldEmpty:
    @pytest.mark.parametrize(
        ("protocol", "source", "empty"),
        [
            ("inner-loso", "subjects: 2", "fold subject=1 has no training recordings"),
            ("trial", "trials: 1", "fold sessions=first-half has no test recordings"),
            ("cross-session", "trials: 1", "fold sessions=first-80% has no training recordings"),
        ],
    )
    def test_says_which_fold_and_side(
        self, protocol: str, source: str, empty: str, good: str, check: Callable[..., None]
    ) -> None:
        text = good.replace("subject-50-50", protocol).replace("{name: sample}", f"{{name: sample, {source}}}")
        check(text, 4, f"protocol: protocol {protocol}: {empty}", "choose another protocol")


def test_a_file_without_end(tmp_path: Path, said_here: Callable[..., Any]) -> None:
    said_here("status", "-f", "/dev/zero").refuses(2, "/dev/zero: is a character device, no plain file", "`-f FILE`")
    (tmp_path / "large").write_bytes(b"#" * 1_000_001)
    large = str(tmp_path / "large")
    said_here("status", "-f", large).refuses(2, f"{large}: has more than 1000000 bytes", "check `-f`")
    said_here("status", "-f", "").refuses(2, f"{Path.cwd()}: is a folder, no plain file", "`-f FILE`")


@pytest.mark.parametrize("name", ["教师", "élève", "a.b", "a_b-c.1", "1"])
def test_names_that_people_take(name: str, tmp_path: Path, said_here: Callable[..., Any], good: str) -> None:
    (tmp_path / "stages.yaml").write_text(good.replace("teacher", f'"{name}"'))
    for command in ("status", "graph", "results"):
        assert said_here(command, "-f", str(tmp_path / "stages.yaml")).code == 0


class TestMatrix:
    def test_of_a_million_experiments(self, good: str, check: Callable[..., None]) -> None:
        values = ", ".join(map(str, range(1, 102)))
        keys = ("stages.teacher.fit.epochs", "stages.student.fit.epochs", "stages.teacher.fit.batch")
        text = good + "matrix:\n" + "".join(f"  {key}: [{values}]\n" for key in keys)
        check(text, 19, "matrix: makes 1030301 experiments", "use several stages files")

    def test_without_values(self, good: str, check: Callable[..., None]) -> None:
        check(good + "matrix: {seeds: []}\n", 19, "matrix.seeds: the list is empty", "at least one value")

    def test_over_what_all_points_share(self, good: str, check: Callable[..., None]) -> None:
        """The first point's value held for all of them."""
        text = good + "matrix: {on_bad_recording: [skip, fail]}\n"
        check(text, 19, "matrix.on_bad_recording: holds for all points of a matrix alike", "at the top level")

    def test_with_a_value_that_is_wrong_at_its_place(self, good: str, check: Callable[..., None]) -> None:
        text = good + "matrix:\n  modalities: [[skeleton], [audio]]\n"
        check(text, 20, "matrix.modalities: modalities[0]: source sample has no modality 'audio'", "known:")
