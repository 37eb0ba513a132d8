"""A worker that stands still is told of, by its number and with the remedy; and it is waited for."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.run.jobs import make_job
from pipeline.run.messages import StepDone, StepJob, WorkerSilent
from pipeline.run.pool import Pool
from pipeline.run.silence import SilenceMonitor, silent_s

SLOW = """
import time
from collections.abc import Iterator
from pathlib import Path
import pipeline.run.step.failures as failures
def slow(store, work, capture_failure=failures.capture_failure):
    if Path({mark!r}).exists():
        time.sleep(5)
    return capture_failure(store, work)
failures.capture_failure = slow
"""


@pytest.fixture
def pool(finished: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """A pool whose one worker has begun, and takes 5 s for a step from now on; 2 s without a sign are told of."""
    (tmp_path / "sitecustomize.py").write_text(SLOW.format(mark=str(tmp_path / "slow")))
    monkeypatch.syspath_prepend(tmp_path)
    made = Pool(1)
    try:
        monkeypatch.setenv("PIPELINE_SILENT_SECONDS", "2")
        made._idle.append(made._new())
        made.start([job_of(finished)])
        while not isinstance(made.events.get(timeout=90)[1], StepDone):
            continue
        (tmp_path / "slow").touch()
        yield made
    finally:
        made.close()


def job_of(project: Any) -> StepJob:
    plan = project.plan()
    return make_job(plan, plan.steps["index"], "cpu")  # published already, so that there is little to do


def test_a_stopped_worker_is_told_of_and_goes_on(finished: Any, pool: Pool) -> None:
    (worker,) = (each.process.pid for each in pool._all)
    job = job_of(finished)
    pool.start([job])
    os.kill(worker, signal.SIGSTOP)
    step, message = pool.events.get(timeout=60)
    assert step == job.step
    assert isinstance(message, WorkerSilent)
    assert f"its worker process {worker} has given no sign of life for 2 s: it is stopped" in message.message
    assert f"`kill -CONT {worker}`" in message.message
    time.sleep(1)
    assert pool.events.empty()  # once
    os.kill(worker, signal.SIGCONT)
    assert pool.events.get(timeout=60)[1] == WorkerSilent(f"its worker process {worker} goes on")
    assert isinstance(pool.events.get(timeout=60)[1], StepDone)


def test_a_step_that_takes_long_is_not_silence(finished: Any, pool: Pool) -> None:
    """The worker gives signs of life while the step itself says nothing."""
    began = time.monotonic()
    pool.start([job_of(finished)])
    assert isinstance(pool.events.get(timeout=60)[1], StepDone)
    assert time.monotonic() - began > 4


def test_workers_of_a_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("pipeline.run.silence.time.monotonic", lambda: now[0])
    monitor = SilenceMonitor()
    assert monitor.update({"a": 5.0, "b": 5.0}) == []
    now[0] = silent_s() + 1
    (message,) = monitor.update({"a": 66.0, "b": 5.0})
    assert "worker b has given no sign of life for 61 s" in message
    assert monitor.update({"a": 67.0, "b": 5.0}) == []
    assert monitor.update({"a": 68.0, "b": 69.0}) == ["worker b goes on"]
