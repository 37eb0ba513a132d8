"""A stages file or a lock that is edited while a run is going: the run goes on with what it began with, and says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKER = "    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run that started this decides when to stop\n"
KEPT = "note: stages.lock changed while this ran and is left as it is; run again to bring it up to date\n"


@pytest.fixture
def short(project: Any, small: dict[str, Any], code: Path, tmp_path: Path) -> Any:
    """An experiment of a few seconds with a remote, run by a copy of the program."""
    stages = {"encode": {}, "student": small["stages"]["student"]}
    values = {**small, "remote": str(tmp_path / "remote"), "modalities": ["inertial"], "stages": stages}
    project.write(values).code = code
    return project


def edit(project: Any) -> str:
    """Change a parameter, and where everything goes; return what was there before."""
    before: str = project.file.read_text()
    values = yaml.safe_load(before)
    values["store"], values["remote"] = "elsewhere", "away"
    values["stages"]["student"]["fit"]["epochs"] = 2
    project.write(values)
    return before


@pytest.mark.parametrize("amid", [pytest.param("index", marks=pytest.mark.slow), "rest"])
def test_a_stages_file_that_is_edited(short: Any, gate: Any, until: Callable[..., None], amid: str) -> None:
    if amid == "rest":
        short.run(until="index")
    gate.put(short.code / "pipeline/run/worker.py", WORKER)
    steps = {(step["stage"], step["key"]) for step in short.status().values()}
    run = short.start("run", "--push", "--json")
    until(lambda: gate.reached() or run.poll() is not None)
    before = edit(short)
    gate.open()
    out, err = run.communicate(timeout=240)
    assert run.returncode == 0, err
    assert "note: stages.yaml changed while this ran, which went on with it as it was at its beginning\n" in err
    assert {step["state"] for step in json.loads(out)["steps"]} == {"cached"}
    assert not (short.folder / "elsewhere").exists()
    made = steps if amid == "index" else {(stage, key) for stage, key in steps if stage != "index"}
    for place in (short.store, short.folder.parent / "remote"):
        published = {(path.parts[-3], path.parts[-2]) for path in place.glob("outputs/*/*/manifest.json")}
        assert made <= published <= steps, place
    short.file.write_text(before)
    assert {step["state"] for step in short.status().values()} == {"cached"}


def test_a_stages_file_that_goes_away(short: Any, gate: Any, until: Callable[..., None]) -> None:
    gate.put(short.code / "pipeline/run/worker.py", WORKER)
    run = short.start("run", "--until", "index")
    until(lambda: gate.reached() or run.poll() is not None)
    short.file.unlink()
    gate.open()
    _, err = run.communicate(timeout=240)
    assert run.returncode == 0, err
    assert "note: stages.yaml went away while this ran" in err


@pytest.mark.parametrize("theirs", ["newer", "merging", "none"])
def test_a_lock_that_somebody_else_writes(
    short: Any, gate: Any, until: Callable[..., None], finished: Any, theirs: str
) -> None:
    """Say by `git checkout`, or a run of other modalities: it is theirs, and is left."""
    lock = short.file.with_suffix(".lock")
    text = {"newer": finished.file.with_suffix(".lock").read_text(), "merging": "<<<<<<< HEAD\n{}\n", "none": None}
    gate.put(short.code / "pipeline/run/worker.py", WORKER)
    run = short.start("run", "--until", "index")
    until(lambda: gate.reached() or run.poll() is not None)
    if text[theirs] is not None:
        lock.write_text(text[theirs] or "")
    gate.open()
    _, err = run.communicate(timeout=240)
    assert run.returncode == 0, err
    assert (KEPT in err) == (theirs != "none")
    if theirs == "none":
        assert json.loads(lock.read_bytes())["index"] == short.status()["index"]["key"]
    else:
        assert lock.read_text() == text[theirs]
