"""Trainings at a scheduler: a worker that dies, and Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

STEP = "student[subjects=odd,seed=0]"
SETTING = ("stages.student.fit.epochs", 150)
ARGUMENTS = ("run", "--until", "student", "--set", f"{SETTING[0]}={SETTING[1]}")
Until = Callable[..., None]


def lock(project: Any) -> Path:
    return Path(project.store, "outputs", "train", project.plan(SETTING).steps[STEP].key, "lock")


@pytest.fixture
def training(finished: Any, cluster: Any, tmp_path: Path, until: Until) -> Iterator[tuple[Any, subprocess.Popen[str]]]:
    """A project, and a run of it whose training has saved a checkpoint at a worker."""
    project = finished.copy(tmp_path / "copy")
    cluster.add(2)
    process = project.start(*ARGUMENTS, "--scheduler", cluster.address)
    until(lambda: list(project.store.glob("outputs/train/*/*.scratch/checkpoint.safetensors")) or process.poll())
    assert process.poll() is None, process.communicate()
    yield project, process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_another_worker_goes_on_from_the_checkpoint(
    finished: Any, training: tuple[Any, subprocess.Popen[str]], cluster: Any, tmp_path: Path
) -> None:
    project, process = training
    (owner,) = re.findall(r"process (\d+) on ", lock(project).read_text())
    assert int(owner) in [worker.pid for worker in cluster.workers]
    os.kill(int(owner), signal.SIGKILL)
    err = process.communicate(timeout=120)[1]
    assert process.returncode == 0, err
    unbroken = finished.copy(tmp_path / "unbroken")
    unbroken.run(SETTING, until="student")
    models = [
        each.plan(SETTING).store.output("train", lock(each).parent.name).read_bytes("model.safetensors")
        for each in (project, unbroken)
    ]
    assert models[0] == models[1]


def test_ctrl_c_stops_the_worker_too(training: tuple[Any, subprocess.Popen[str]], cluster: Any, until: Until) -> None:
    import fcntl

    project, process = training
    os.killpg(process.pid, signal.SIGINT)
    err = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.rstrip().endswith("stopped: what is finished stays, run again to go on")
    held = os.open(lock(project), os.O_RDWR)

    def free() -> bool:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    until(free, 10)
    os.close(held)
    assert project.plan(SETTING).states[STEP] == "partial"
    assert all(worker.poll() is None for worker in cluster.workers)


@pytest.mark.parametrize("stop", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGKILL])
def test_workers_of_a_run_end_with_it(finished: Any, tmp_path: Path, until: Until, stop: signal.Signals) -> None:
    project = finished.copy(tmp_path / "copy")
    process = project.start(*ARGUMENTS, "--scheduler", "local", "--jobs", "1", "--device", "cpu")
    until(lambda: list(project.store.glob("outputs/train/*/*.scratch/checkpoint.safetensors")) or process.poll())
    assert process.poll() is None, process.communicate()
    (owner,) = re.findall(r"process (\d+) on ", lock(project).read_text())
    assert int(owner) != process.pid
    if stop == signal.SIGINT:
        os.killpg(process.pid, stop)  # as a terminal does
    else:
        os.kill(process.pid, stop)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == (130 if stop == signal.SIGINT else -9), err
    assert "Traceback" not in err
    until(lambda: not Path(f"/proc/{owner}").exists(), 15)
