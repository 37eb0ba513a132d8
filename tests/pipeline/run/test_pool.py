"""Worker processes: replaced when they die, ended with the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from pipeline.run.jobs import make_job
from pipeline.run.messages import Message, StepDone, StepFailed, StepProgress
from pipeline.run.pool import Pool


def last(pool: Pool) -> Message:
    while True:
        message = pool.events.get(timeout=90)[1]
        if not isinstance(message, StepProgress):
            return message


def test_a_worker_that_died_between_two_jobs_is_replaced(
    finished: Any, children: Callable[[int], list[int]], gone: Callable[[list[int]], bool]
) -> None:
    plan = finished.plan()
    job = make_job(plan, plan.steps["index"], "cpu")  # published already, so that there is little to do
    attempt = plan.store.manifest("index", job.key).attempt
    pool = Pool(1)
    try:
        pool.start([job])
        assert isinstance(last(pool), StepDone)
        (worker,) = (worker.process for worker in pool._all)
        worker.kill()
        worker.wait()  # until then the system may show it as running
        pool.start([job])
        assert isinstance(last(pool), StepDone)
        workers = [process.process.pid for process in pool._all]
        assert len(workers) == 2
    finally:
        pool.close()
    assert gone(workers)
    assert plan.store.manifest("index", job.key).attempt == attempt


def test_a_worker_that_failed_in_a_way_nobody_foresaw_does_nothing_more(
    finished: Any, gone: Callable[[list[int]], bool], tmp_path: Path
) -> None:
    plan = finished.copy(tmp_path / "project").plan()
    job = make_job(plan, plan.steps["index"], "cpu")
    pool = Pool(1)
    try:
        pool.start([replace(job, stage="no-such-stage")])
        failed = last(pool)
        assert isinstance(failed, StepFailed)
        assert "this is a defect of harvest" in failed.message
        (worker,) = (worker.process.pid for worker in pool._all)
        pool.start([job])
        assert isinstance(last(pool), StepDone)
        assert gone([worker])
        assert len(pool._all) == 2
    finally:
        pool.close()
