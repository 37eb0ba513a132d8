"""Code that is edited while workers of a scheduler make shards and whole steps."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TIMELINES = "pipeline/stages/encode/timelines/encoder.py"
SHARD = "    name = tuple(attempt.values())\n"
STEP = "    from pipeline.run.step.execute import execute, execute_batch"


@pytest.fixture
def editable(finished: Any, code: Path, tmp_path: Path) -> Any:
    """The small experiment with its index, run by a copy of the program."""
    project = finished.copy(tmp_path / "project")
    project.code = code
    return project


def edit(file: Path) -> bytes:
    before = file.read_bytes()
    file.write_bytes(before + b"\n_EDITED = 1\n")
    return before


def test_a_shard(editable: Any, code: Path, cluster: Any, gate: Any, until: Callable[..., None]) -> None:
    """The coordinator has loaded what was hashed, the worker has not; then it stays with what it has."""
    gate.put(code / "pipeline/run/cluster/tasks.py", SHARD)
    cluster.add(1, code=code)
    more = ("--until", "encode", "--set", "stages.encode.inertial={dtype: float16}", "--scheduler", cluster.address)
    run = editable.start("run", *more)
    until(lambda: gate.reached() or run.poll() is not None)
    before = edit(code / TIMELINES)
    gate.open()
    _, err = run.communicate(timeout=240)
    assert run.returncode == 1, err
    assert re.search(rf"error: encode\[inertial\]: on \S+: {TIMELINES} changed while this ran; run again\n", err)
    assert not list((editable.store / "outputs" / "encode").glob("*/*.journal/*"))
    (code / TIMELINES).write_bytes(before)
    said = editable.command("run", *more, code=1).stderr
    assert f"has loaded other code than its files hold by now: {TIMELINES}\n  restart it, then run again" in said


@pytest.mark.slow
def test_a_whole_step(editable: Any, code: Path, gate: Any, until: Callable[..., None]) -> None:
    file = "trainers/models/dmft/student.py"
    gate.put(code / "pipeline/run/cluster/tasks.py", STEP)
    seeds = ("--set", "seeds=[1]")
    run = editable.start("run", "--until", "student", *seeds, "--scheduler", "local", "--jobs", "1")
    until(lambda: gate.reached() or run.poll() is not None)
    before = edit(code / file)
    gate.open()
    _, err = run.communicate(timeout=240)
    assert run.returncode == 1, err
    assert re.search(rf"error: student\[subjects=odd,seed=1\]: on \S+: {file} changed while this ran; run again", err)
    (code / file).write_bytes(before)
    assert editable.status("seeds=[1]")["student[subjects=odd,seed=1]"]["state"] == "todo"
