"""A run that is stopped, however, leaves no process behind, and the next one goes on to the same model."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EPOCHS = 100
STEP = "student[subjects=odd,seed=0]"
ARGUMENTS = ("run", "--until", "student", "--set", f"stages.student.fit.epochs={EPOCHS}")
SETTING = ("stages.student.fit.epochs", EPOCHS)


@pytest.fixture(scope="module")
def unbroken(finished: Any, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The model of a run that nobody stopped."""
    project = finished.copy(tmp_path_factory.mktemp("unbroken") / "project")
    project.run(SETTING, until="student")
    return model(project)


@pytest.fixture(scope="module")
def training(finished: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project in which a student is to be trained for some seconds; shared, so that each test goes on with it."""
    return finished.copy(tmp_path_factory.mktemp("training") / "project")


def model(project: Any) -> bytes:
    plan = project.plan(SETTING)
    content: bytes = plan.store.output("train", plan.steps[STEP].key).read_bytes("model.safetensors")
    return content


def checkpoint(project: Any) -> Path | None:
    return next((project.store / "outputs" / "train").glob("*/*.scratch/checkpoint.safetensors"), None)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    err = process.communicate(timeout=60)[1]
    assert "Traceback" not in err
    return process.returncode, err


@pytest.fixture
def running(training: Any, until: Any) -> Any:
    """A run whose training has saved another checkpoint than the one that it began with."""
    before = checkpoint(training)
    stamp = before.stat().st_mtime_ns if before else None
    process = training.start(*ARGUMENTS)
    until(lambda: process.poll() is not None or ((now := checkpoint(training)) and now.stat().st_mtime_ns != stamp))
    assert process.poll() is None, process.communicate()
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_two_runs_at_once_and_a_killed_worker(
    running: Any, training: Any, children: Callable[[int], list[int]], gone: Any
) -> None:
    (worker,) = children(running.pid)
    os.kill(worker, signal.SIGSTOP)  # so that it has not finished when the second run comes to it
    second = training.command(*ARGUMENTS, "--no-wait", code=1)
    assert f"error: {STEP}: the draft of train/" in second.stderr
    assert f"is being written by process {worker} on " in second.stderr
    assert "wait until it ends, or stop it, then run again" in second.stderr
    assert running.poll() is None

    os.kill(worker, signal.SIGKILL)
    code, err = finish(running)
    assert code == 1
    assert f"error: {STEP}: its worker process was killed by signal 9\n" in err
    assert "memory ran out" in err
    assert "run again to go on where it stopped" in err
    assert gone([worker])
    assert checkpoint(training)


def test_ctrl_c(running: Any, training: Any, children: Callable[[int], list[int]], gone: Any) -> None:
    workers = children(running.pid)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    code, err = finish(running)
    assert code == 130
    assert err.rstrip().endswith("stopped: what is finished stays, run again to go on")
    assert gone(workers)
    assert checkpoint(training)


def test_everything_is_killed(running: Any, children: Callable[[int], list[int]], gone: Any, kill_group: Any) -> None:
    workers = children(running.pid)
    kill_group(running)
    assert gone(workers)


def test_the_next_run_goes_on_to_the_same_model(training: Any, unbroken: bytes) -> None:
    """After all the stops above."""
    assert checkpoint(training), "nothing to go on from"
    training.command(*ARGUMENTS)
    assert model(training) == unbroken
    assert checkpoint(training) is None
