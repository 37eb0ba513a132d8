"""The functions that a dask worker runs for a run: `do_steps` does whole steps, `make_shard` one shard of a step.

Arguments and results are JSON, so that nothing is unpickled. A process does one task at a time, whatever its number of
threads: torch's threads, its random numbers and the memory of a GPU belong to the process.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from distributed import get_worker

from pipeline.errors import StepError
from pipeline.keys.loaded_code import check_code
from pipeline.keys.plugin_code import is_file
from pipeline.run.cluster.fingerprint import diff, fingerprint
from pipeline.run.messages import ShardConflict, ShardDone, StepDone, StepFailed, StepJob
from pipeline.run.step.failures import capture_failure
from store import Store, lease_s
from store.errors import DraftLocked, NotShared, ObjectTaken

if TYPE_CHECKING:
    from pipeline.stages.sharded import Sharded
    from store import SharedWriter

JOB = "job.json"  # in the attempt's scratch: the `StepJob`, for the workers that make its shards
_MAX_OPEN = 2  # steps that stay open, each with its model
_PROGRESS_EVERY_S = 1.0
_one_at_a_time = threading.Lock()

T = TypeVar("T")


class TaskCancelled(Exception):
    """The run has cancelled this task, or the worker is closing."""


def do_steps(jobs: bytes, program: dict[str, str], topic: str) -> bytes:
    """Do a list of `StepJob` as one batch; return a `StepDone` or `StepFailed` for each, by step id.

    `program` is the run's fingerprint, which this worker's must equal; the run listens to `topic` for progress.
    """
    steps = msgspec.json.decode(jobs, type=list[StepJob])
    result = _run_exclusive(steps[0].store, program, lambda check: _execute(steps, topic, check))
    messages = dict.fromkeys((job.step for job in steps), result) if isinstance(result, StepFailed) else result
    return msgspec.json.encode({step: _with_hostname(message) for step, message in messages.items()})


def make_shard(attempt: dict[str, str], shard: int, fresh: bool, program: dict[str, str]) -> bytes:
    """Make one shard of a step whose draft is shared; return a `ShardMessage`.

    `attempt` has ``store``, ``stage``, ``key`` and ``attempt`` of the draft. With `fresh` the step is opened anew,
    and the shard made although this process has made it before. `program` is the run's, as in `do_steps`.
    """
    result = _run_exclusive(attempt["store"], program, lambda check: _make_shard(attempt, shard, fresh, check))
    return msgspec.json.encode(_with_hostname(result))


def _run_exclusive(store: str, program: dict[str, str], work: Callable[[_CancellationCheck], T]) -> T | StepFailed:
    check = _CancellationCheck()

    def checked() -> T:
        _check_program(program)
        check()
        return work(check)

    with _one_at_a_time:
        return capture_failure(store, checked)


def _with_hostname(message: T) -> T | StepFailed:
    """Add to a failure where it happened; not to that of a lock, which names its owner."""
    if isinstance(message, StepFailed) and not message.locked_by:
        return msgspec.structs.replace(message, message=f"on {socket.gethostname()}: {message.message}")
    return message


class _CancellationCheck:
    """A progress callback that raises TaskCancelled when the task that runs in this thread is not wanted any more."""

    def __init__(self) -> None:
        self.worker = get_worker()
        self._key = self.worker.get_current_task()

    def __call__(self, *_: object) -> None:
        task = self.worker.state.tasks.get(self._key)
        if task is None or task.state == "cancelled" or self.worker.status.name in ("closing", "closed", "failed"):
            raise TaskCancelled


def _execute(jobs: list[StepJob], topic: str, check: _CancellationCheck) -> dict[str, StepDone | StepFailed]:
    from pipeline.run.step.execute import execute, execute_batch  # imports torch, which the run's side needs not

    last: dict[str, float] = {}

    def progress(step: str, done: int, total: int, what: str, _: Mapping[str, float] = {}) -> None:
        check()
        if time.monotonic() - last.get(step, 0.0) >= _PROGRESS_EVERY_S:
            last[step] = time.monotonic()
            check.worker.log_event(topic, {"step": step, "done": done, "total": total, "what": what})

    for job in jobs:
        _check_paths_visible(job)
    results: dict[str, StepDone | StepFailed] = {}
    alone = jobs
    if len(jobs) > 1:
        for event in execute_batch(jobs, progress):
            assert isinstance(event.message, StepDone | StepFailed)
            results[event.step] = event.message
        alone = [job for job in jobs if isinstance(end := results[job.step], StepFailed) and end.locked_by]
    for job in alone:  # also those of a batch that a worker was doing which died, or another run is doing
        task = partial(execute, job, partial(progress, job.step))
        results[job.step] = capture_failure(job.store, partial(_retry_until_lease_expires, job, task))
    return results


def _retry_until_lease_expires(job: StepJob, work: Callable[[], StepDone]) -> StepDone:
    """Try again until a dead worker's lease on a bucket has expired; on a folder its lock ended with it."""
    end = time.monotonic() + (1.2 * lease_s() if "://" in job.store else 0)
    while True:
        try:
            return work()
        except DraftLocked:
            if time.monotonic() > end:
                raise
        time.sleep(1)


@dataclass
class _OpenStep:
    """A step that this process makes shards of."""

    step: Sharded
    device: str
    check: Callable[..., None]  # that of the task which uses it now
    notes: dict[int, dict[str, Any]] = field(default_factory=dict)  # of the shards that it has made


_open_steps: OrderedDict[tuple[str, ...], _OpenStep] = OrderedDict()  # the last used one last


def _make_shard(
    attempt: dict[str, str], shard: int, fresh: bool, check: _CancellationCheck
) -> ShardDone | ShardConflict:
    name = tuple(attempt.values())
    opened = _open_steps.pop(name, None)  # a step that fails does not stay open
    if opened is None or fresh:
        opened = _open_step(attempt, check)
    opened.check = check
    if shard not in opened.notes:
        try:
            opened.notes.update({number: dict(note) for number, note in opened.step.make_shards([shard])})
        except ObjectTaken as error:
            return ShardConflict(error.path, str(error))
    _open_steps[name] = opened
    while len(_open_steps) > _MAX_OPEN:
        _open_steps.popitem(last=False)
    return ShardDone(opened.notes[shard], socket.gethostname(), opened.device)


def _open_step(attempt: dict[str, str], check: _CancellationCheck) -> _OpenStep:
    import torch  # which the run's side needs not

    from pipeline.registry import STAGES, import_hashed
    from pipeline.run.step.execute import make_context, prepare_device, sibling_outputs
    from pipeline.run.step.source import open_source

    store = Store.open(attempt["store"])
    job, writer = _open_writer(store, attempt)
    _check_paths_visible(job)
    device = prepare_device(job)
    source = open_source(job, lambda *_: None) if job.stage == "encode" else None
    outputs = {step: store.output(stage, key) for step, (stage, key) in job.inputs.items()}
    opened: _OpenStep
    context = make_context(job, writer, outputs, source, device, lambda *_: opened.check(), sibling_outputs(job, store))
    step = import_hashed(STAGES[job.stage].open, job.code)(context)
    check_code(job.code)  # before the work, not only when the first shard is to be kept
    opened = _OpenStep(step, torch.cuda.get_device_name() if device == "cuda" else "cpu", check)
    return opened


def _open_writer(store: Store, attempt: dict[str, str]) -> tuple[StepJob, SharedWriter]:
    """Return a coordinator's job, and its draft to write to."""
    open_writer = partial(store.open_shared_writer, attempt["stage"], attempt["key"], attempt["attempt"])
    data = open_writer().scratch_read(JOB)
    if data is None:
        raise NotShared(f"{attempt['store']}: the job of {attempt['stage']}/{attempt['key']} is gone; run again")
    job = msgspec.json.decode(data, type=StepJob)
    return job, open_writer(check=partial(check_code, job.code))


def _check_program(program: dict[str, str]) -> None:
    """Raise StepError where a run has other code: workers may join after it has checked them."""
    if difference := diff(fingerprint(), program):
        raise StepError(
            f"this worker runs other code than the run: {difference}\n"
            "  install the same version there, restart the worker, and run again"
        )


def _check_paths_visible(job: StepJob) -> None:
    """Raise StepError where this machine lacks a folder that the job names."""
    if "://" not in job.store and not Path(job.store).is_dir():
        raise StepError(
            f"{job.store}: this worker does not see the store\n"
            "  use a folder that all machines share at the same path, or a bucket (--set store=s3://...)"
        )
    if any(map(is_file, job.code)) and not os.path.isdir(job.folder):
        raise StepError(
            f"{job.folder}: this worker does not see the folder of the stages file, where plug-ins are\n"
            "  keep it in a folder that all machines share at the same path, or install the plug-ins as a package"
        )
    root = job.source.get("root")
    if root and job.stage in ("index", "encode") and not os.path.isdir(root):
        raise StepError(
            f"{root}: this worker does not see the raw data (source.root)\n"
            "  keep it in a folder that all machines share at the same path"
        )
