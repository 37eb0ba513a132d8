"""What a dask worker does for a run: a whole step, or one shard of a step. Messages go both ways as JSON.

One at a time in a process, whatever its number of threads: torch's threads, its random numbers and the memory of a GPU
belong to the process.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from distributed import get_worker

from pipeline.errors import StepError
from pipeline.keys.loaded_code import check_code
from pipeline.run.cluster.fingerprint import diff, fingerprint
from pipeline.run.messages import StepDone, StepFailed, StepJob
from pipeline.run.step.failures import capture_failure
from store import Store
from store.errors import DraftLocked, NotShared, ObjectTaken

if TYPE_CHECKING:
    from pipeline.stages.sharded import Sharded
    from store import Draft, SharedWriter

JOB = "job.json"  # in the attempt's scratch: what those who join it need
_KEPT = 2  # steps that stay open, each with its model
_TELL_EVERY_S = 1.0
_one_at_a_time = threading.Lock()

T = TypeVar("T")


class ShardDone(msgspec.Struct, frozen=True, tag=True):
    """A shard is journalled, on this host, with this device."""

    note: dict[str, Any]
    host: str
    device: str


class ShardConflict(msgspec.Struct, frozen=True, tag=True):
    """An object of the shard was left by a worker that had not finished it, with other bytes."""

    path: str | None
    message: str


ShardMessage = ShardDone | ShardConflict | StepFailed


class TaskCancelled(Exception):
    """Nobody waits for this any more."""


def do_steps(jobs: bytes, expected: dict[str, str], topic: str) -> bytes:
    """Do whole steps as one; return Done or Failed by step."""
    steps = msgspec.json.decode(jobs, type=list[StepJob])
    found = _run_exclusive(steps[0].store, expected, lambda wanted: _execute(steps, topic, wanted))
    if isinstance(found, StepFailed):
        found = dict.fromkeys((step.step for step in steps), found)
    return msgspec.json.encode({step: _with_hostname(message) for step, message in found.items()})


def make_shard(place: dict[str, str], shard: int, fresh: bool, expected: dict[str, str]) -> bytes:
    """Make one shard of a step whose draft is shared; return Made, Taken or Failed.

    Parameters
    ----------
    place
        ``store``, ``stage``, ``key`` and ``attempt``.
    fresh
        Whether what this process did before of the step does not count.
    """
    return msgspec.json.encode(
        _with_hostname(_run_exclusive(place["store"], expected, lambda wanted: _shard(place, shard, fresh, wanted)))
    )


def _run_exclusive(store: str, expected: dict[str, str], work: Callable[[_CancellationCheck], T]) -> T | StepFailed:
    wanted = _CancellationCheck()

    def checked() -> T:
        _check_code(expected)
        wanted()
        return work(wanted)

    with _one_at_a_time:
        return capture_failure(store, checked)


def _with_hostname(message: T) -> T | StepFailed:
    """Say where something failed."""
    if isinstance(message, StepFailed) and not message.locked:
        return msgspec.structs.replace(message, message=f"on {socket.gethostname()}: {message.message}")
    return message


class _CancellationCheck:
    """Whether the task that runs in this thread is still waited for: a progress callback that stops it if not."""

    def __init__(self) -> None:
        self.worker = get_worker()
        self._key = self.worker.get_current_task()

    def __call__(self, *_: object) -> None:
        task = self.worker.state.tasks.get(self._key)
        if task is None or task.state == "cancelled" or self.worker.status.name in ("closing", "closed", "failed"):
            raise TaskCancelled


def _execute(jobs: list[StepJob], topic: str, wanted: _CancellationCheck) -> dict[str, StepDone | StepFailed]:
    from pipeline.run.step.execute import execute, execute_together

    last: dict[str, float] = {}

    def progress(step: str, done: int, total: int, what: str) -> None:
        wanted()
        if time.monotonic() - last.get(step, 0.0) >= _TELL_EVERY_S:
            last[step] = time.monotonic()
            wanted.worker.log_event(topic, {"step": step, "done": done, "total": total, "what": what})

    for job in jobs:
        _check_paths_visible(job)
    if len(jobs) > 1:
        ended = {each.step: cast("StepDone | StepFailed", each.message) for each in execute_together(jobs, progress)}
        locked = [job for job in jobs if isinstance(found := ended[job.step], StepFailed) and found.locked]
    else:
        ended, locked = {}, jobs
    for job in locked:  # by a worker that died doing it, or by another run
        alone = partial(execute, job, partial(progress, job.step))
        ended[job.step] = capture_failure(job.store, partial(_retry_until_lease_expires, job, alone))
    return ended


def _retry_until_lease_expires(job: StepJob, work: Callable[[], StepDone]) -> StepDone:
    """Wait for the lease of a worker that died doing this; on a folder its lock went with it."""
    from store import lease_s

    end = time.monotonic() + (1.2 * lease_s() if "://" in job.store else 0)
    while True:
        try:
            return work()
        except DraftLocked:
            if time.monotonic() > end:
                raise
        time.sleep(1)


@dataclass
class _Opened:
    """A step that this process makes shards of, and the notes of those that it has made."""

    step: Sharded
    device: str
    wanted: list[_CancellationCheck]
    notes: dict[int, dict[str, Any]] = field(default_factory=dict)


_opened: OrderedDict[tuple[str, ...], _Opened] = OrderedDict()


def _shard(place: dict[str, str], shard: int, fresh: bool, wanted: _CancellationCheck) -> ShardDone | ShardConflict:
    name = tuple(place.values())
    opened = _opened.pop(name, None)  # what fails does not stay
    if opened is None or fresh:
        opened = _open(place)
    opened.wanted[:] = [wanted]
    if shard not in opened.notes:
        try:
            opened.notes.update({number: dict(note) for number, note in opened.step.make_shards([shard])})
        except ObjectTaken as error:
            return ShardConflict(error.path, str(error))
    _opened[name] = opened
    while len(_opened) > _KEPT:
        _opened.popitem(last=False)
    return ShardDone(opened.notes[shard], socket.gethostname(), opened.device)


def _open(place: dict[str, str]) -> _Opened:
    from pipeline.registry import STAGES, import_hashed
    from pipeline.run.step.execute import earlier_of, make_context, open_source, prepared_device
    from pipeline.run.step.validate_inputs import check_inputs

    store = Store.open(place["store"])
    job, draft = _join(store, place)
    _check_paths_visible(job)
    device = prepared_device(job)
    source = open_source(job, lambda *_: None) if job.stage == "encode" else None
    outputs = {step: store.output(stage, key) for step, (stage, key) in job.inputs.items()}
    check_inputs(job, outputs)
    wanted: list[_CancellationCheck] = []
    context = make_context(
        job,
        cast("Draft", draft),  # shards are written and journalled; all else is the coordinator's
        outputs,
        source,
        device,
        lambda *_: wanted[0](),
        earlier_of(job, store),
    )
    opened = import_hashed(STAGES[job.stage].open, job.code)(context)
    check_code(job.code)  # at once, rather than when the first shard is to be kept
    return _Opened(opened, device_name(device), wanted)


def _join(store: Store, place: dict[str, str]) -> tuple[StepJob, SharedWriter]:
    """Return what a coordinator wants done, and its draft to write to."""
    joined = partial(store.join, place["stage"], place["key"], place["attempt"])
    data = joined().scratch_read(JOB)
    if data is None:
        raise NotShared(f"{place['store']}: the job of {place['stage']}/{place['key']} is gone; run again")
    job = msgspec.json.decode(data, type=StepJob)
    return job, joined(check=partial(check_code, job.code))


def device_name(device: str) -> str:
    """Return what people call a device."""
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else "cpu"


def _check_code(expected: dict[str, str]) -> None:
    """Refuse what a run of other code asks for: workers may join after it has looked at them."""
    if how := diff(fingerprint(), expected):
        raise StepError(
            f"this worker runs other code than the run: {how}\n"
            "  install the same version there, restart the worker, and run again"
        )


def _check_paths_visible(job: StepJob) -> None:
    """Raise StepError where this machine lacks a folder that the job names."""
    if "://" not in job.store and not Path(job.store).is_dir():
        raise StepError(
            f"{job.store}: this worker does not see the store\n"
            "  use a folder that all machines share at the same path, or a bucket (--set store=s3://...)"
        )
    root = job.source.get("root")
    if root and job.stage in ("index", "encode") and not os.path.isdir(root):
        raise StepError(
            f"{root}: this worker does not see the raw data (source.root)\n"
            "  keep it in a folder that all machines share at the same path"
        )
