"""``pipeline init`` as a user runs it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ..init.folders import turning, write_phone_and_watch, write_table

ProjectAt = Callable[[Path], Any]


@pytest.fixture(scope="module")
def phone_and_watch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 phone videos (3 classes, 4 subjects), and a watch's CSVs with bursts and gaps."""
    root = tmp_path_factory.mktemp("people") / "data"
    write_phone_and_watch(root)
    return root


@pytest.fixture
def unclear(tmp_path: Path) -> Path:
    """A gyroscope whose unit nothing tells."""
    for subject in range(1, 4):
        for label in ("walk", "run"):
            header = ("time", "gyro_x", "gyro_y", "gyro_z")
            columns = [np.arange(60) / 50, *turning(60, 4.0).T]
            write_table(tmp_path / "data" / f"s{subject}_{label}.csv", columns, header)
    return tmp_path / "data"


@pytest.fixture
def here(tmp_path: Path, project_at: ProjectAt) -> Any:
    (tmp_path / "experiment").mkdir()
    return project_at(tmp_path / "experiment")


def test_what_is_written_runs(here: Any, phone_and_watch: Path) -> None:
    said = here.command("init", str(phone_and_watch), "--yes")
    assert "24 recordings" in said.stdout
    assert said.stdout.endswith("\nwrote stages.yaml; next:\n  pipeline inspect\n  pipeline run\n")
    assert all(len(line) <= 80 for line in said.stdout.splitlines() if str(phone_and_watch) not in line)
    assert said.stderr == ""
    text = here.file.read_text()
    assert "For pretrained ones: {backbone: resnet50, weights: IMAGENET1K_V1}" in text
    status = here.command("status")
    assert "error" not in status.stdout + status.stderr
    steps = here.status()
    assert {step["state"] for step in steps.values()} == {"todo"}
    assert "index" in steps


def test_the_index_reads_every_file(here: Any, phone_and_watch: Path) -> None:
    pytest.importorskip("pyarrow")
    here.command("init", str(phone_and_watch), "--yes")
    assert here.run(until="index") == ["index"]
    assert not any(step["state"] == "broken" for step in here.status().values())


def test_a_stages_file_that_is_there_is_not_overwritten(here: Any, phone_and_watch: Path) -> None:
    here.file.write_text("# mine\n")
    said = here.command("init", str(phone_and_watch), "--yes", code=2)
    assert "stages.yaml: is there, and is not overwritten\n  name another with `-f FILE`" in said.stderr
    assert all(len(line) <= 80 for line in said.stderr.splitlines())
    assert here.file.read_text() == "# mine\n"
    here.command("init", str(phone_and_watch), "--yes", "-f", "other.yaml")
    assert (here.folder / "other.yaml").exists()


def test_without_a_terminal_what_is_open_is_said(here: Any, unclear: Path) -> None:
    said = here.command("init", str(unclear), code=2)
    assert "open: gyroscope: in which unit is the gyroscope" in said.stdout
    assert all(len(line) <= 80 for line in (said.stdout + said.stderr).splitlines())
    assert "--set source.streams.gyroscope.units=rad/s " in said.stdout
    assert "1 question open, and there is no terminal to ask" in said.stderr
    assert not here.file.exists()
    here.command("init", str(unclear), "--set", "source.streams.gyroscope.units=rad/s")
    written = yaml.safe_load(here.file.read_text())
    assert written["source"]["streams"]["gyroscope"]["units"] == "rad/s"
    assert written["source"]["root"] == "../data"


def test_yes_takes_what_seems_right_and_says_so(here: Any, unclear: Path) -> None:
    said = here.command("init", str(unclear), "--yes")
    assert "note: gyroscope: in which unit is the gyroscope" in said.stderr
    assert "Taken: rad/s\n  to say otherwise:\n    --set source.streams.gyroscope.units=deg/s " in said.stderr
    assert "units: rad/s  # gyroscope: guessed: reaches" in here.file.read_text()


def test_at_a_terminal_it_asks(here: Any, unclear: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "init", str(unclear)],
        cwd=here.folder, env={**os.environ, "PYTHONPATH": f"{here.code}:{os.environ.get('PYTHONPATH', '')}"},
        stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, b"2\n")
    assert process.wait(timeout=60) == 0
    os.close(ours)
    assert "units: deg/s" in here.file.read_text() or "units: rad/s" in here.file.read_text()


@pytest.mark.parametrize(
    ("setting", "problem", "remedy"),
    [
        ("source.streams.gyroscope.units=furlong", "'furlong' is not known", "known: g, m/s2, mg,"),
        ("source.streams.giro.units=g", "there is no stream giro", "there are gyroscope"),
        ("source.streams.gyroscope.files=watch/{label}.csv", "watch/{label}.csv fits no file", "such as s1_run.csv"),
        ("source.streams.gyroscope.files=s{subject_x.csv", "'{' is no part", "a part is a name in braces"),
        ("source.streams.gyroscope.files=s{subject}_*.csv", "no part that says what is done", "write {label} where"),
        ("source.clock=shared", "no such key", "did you mean `clocks`?"),
        ("protocol=randm", "no protocol 'randm'", "did you mean `random`?"),
        ("seeds=0", "expected a list, got a whole number", "docs/stages-file.md"),
    ],
)
def test_a_setting_that_does_not_fit(here: Any, unclear: Path, setting: str, problem: str, remedy: str) -> None:
    said = here.command("init", str(unclear), "--yes", "--set", setting, code=2)
    assert all(len(line) <= 80 or "/" in line for line in said.stderr.splitlines())  # paths stay whole
    message = " ".join(said.stderr.replace("\n", " ").split())
    assert problem in message
    assert remedy in message.partition(problem)[2]
    assert not here.file.exists()


@pytest.mark.parametrize("arguments", [(), ("--dataset", "utd-mhad"), ("nowhere",), (".",)])
def test_mistakes(here: Any, arguments: tuple[str, ...]) -> None:
    said = here.command("init", *arguments, code=2)
    assert said.stderr.count("\n") >= 1
    assert not here.file.exists()


def test_a_data_set_that_is_known(here: Any, raw: Path) -> None:
    here.command("init", str(raw), "--dataset", "utd-mhad")
    written = yaml.safe_load(here.file.read_text())
    assert written["source"] == {"name": "utd-mhad", "root": "../data"}
    assert written["modalities"] == ["skeleton", "inertial"]
    assert {step["state"] for step in here.status().values()} == {"todo"}
    said = here.command("init", "--dataset", "utdmhad", "-f", "other.yaml", code=2)
    assert (
        "--dataset utdmhad: is not known\n  did you mean `utd-mhad`? known: utd-mhad, berkeley-mhad, mmact, sample"
        in said.stderr
    )


def test_the_sample_needs_no_folder(here: Any) -> None:
    here.command("init", "--dataset", "sample")
    assert here.file.read_text() == (Path(__file__).parents[3] / "stages.yaml").read_text()
    assert {step["state"] for step in here.status().values()} == {"todo"}


def test_a_recipe_is_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.init import known
    from pipeline.stagesfile.load import read_document

    (tmp_path / "own.yaml").write_text(
        "# A set.\n#     pipeline init DIR --dataset own     # DIR holds tables\nstore: .store\n"
        "source:\n  name: folder\n  root: own  # its folder\n"
        "  classes: [a, b]\n  streams: {imu: {files: 's{subject}.csv'}}\n"
    )
    (tmp_path / "s1.csv").write_text("")
    monkeypatch.setattr(known, "_RECIPES", tmp_path)
    path = tmp_path / "stages.yaml"
    text = known.known_text("own", tmp_path, "C:\\data 1", path, "pipeline run -f x.yaml")
    assert "own" in known.names()
    assert "\n#     pipeline run -f x.yaml     # source.root holds tables\n" in text
    values = read_document(path, text).values
    assert values["store"] == ".store"
    assert (values["source"]["root"], values["source"]["classes"]) == ("C:\\data 1", ["a", "b"])


def test_a_recipe_for_a_folder_of_the_wrong_level(here: Any, tmp_path: Path) -> None:
    (tmp_path / "sets" / "PAMAP2 Dataset" / "Protocol").mkdir(parents=True)
    (tmp_path / "sets" / "PAMAP2 Dataset" / "Protocol" / "subject101.dat").write_text("")
    said = here.command("init", str(tmp_path / "sets"), "--dataset", "pamap2", code=2)
    assert "holds no files like Protocol/subject10{subject:d}.dat" in " ".join(said.stderr.split())
    assert "sets/PAMAP2 Dataset: give that" in " ".join(said.stderr.split())
    said = here.command("init", str(tmp_path / "experiment"), "--dataset", "pamap2", code=2)
    assert "docs/datasets/pamap2.md says what DIR is to hold" in said.stderr
    assert not here.file.exists()
