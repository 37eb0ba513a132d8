"""Have a step's shards made by a scheduler's workers: a task for each shard, few of them in flight.

`coordinate` takes the place of the stage's own function in `pipeline.run.step.execute`, in a worker of the run. It owns
the draft: it creates the arrays, submits shards (`pipeline.run.cluster.tasks.make_shard`), reads back what workers
journalled, and finalises the output.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.errors import StepError
from pipeline.registry import STAGES, import_hashed
from pipeline.run.cluster.client import Cluster
from pipeline.run.cluster.tasks import JOB, make_shard
from pipeline.run.messages import Scheduler, ShardConflict, ShardDone, ShardMessage, StepFailed, StepJob
from pipeline.run.step.failures import ShardFailed
from store import Draft

if TYPE_CHECKING:
    from distributed import Future

    from pipeline.stages.context import Context
    from pipeline.stages.sharded import Sharded

_IN_FLIGHT = 2  # shards for each worker: one that is made, one that waits
_MAX_TRIES = 5  # of one shard, where objects that dead workers left are in its way
_READERS = 4  # shards that are read back at a time


def coordinate(job: StepJob, context: Context) -> dict[str, Any]:
    """Do a step whose stage is `Sharded`, with the shards made elsewhere; return its provenance.

    ShardFailed where a worker could not make its shard; StepError where the scheduler is gone, or has no workers.
    What is journalled stays.
    """
    assert job.scheduler is not None
    step: Sharded = import_hashed(STAGES[job.stage].open, job.code)(_without_gpu(context))
    missing = step.prepare()
    if not missing:
        return step.finalise([])
    with Cluster(job.scheduler.address, job.scheduler.certificate) as cluster:
        coordinator = _ShardCoordinator(job, job.scheduler, context, cluster, missing)
        done = dict(coordinator.run())
    devices = ", ".join(sorted({message.device for message in done.values()}))
    workers = sorted({message.host for message in done.values()})
    return {**step.finalise(done[shard].note for shard in sorted(done)), "device": devices, "workers": workers}


def _without_gpu(context: Context) -> Context:
    """Return a context in which a network can be opened on any machine: here it only says how wide its features are."""
    params = context.recipe["params"]
    if params.get("precision") != "fp16":
        return context
    return replace(context, recipe={**context.recipe, "params": {**params, "precision": "fp32"}})


class _ShardCoordinator:
    """The shards of a step: waiting, in flight, and read back."""

    def __init__(
        self, job: StepJob, scheduler: Scheduler, context: Context, cluster: Cluster, shards: Iterable[int]
    ) -> None:
        assert isinstance(context.draft, Draft)  # which alone can be shared
        self._draft = context.draft
        self._draft.scratch_write(JOB, msgspec.json.encode(msgspec.structs.replace(job, scheduler=None)))
        self._draft.share()
        self._cluster, self._scheduler = cluster, scheduler
        self._attempt = {"store": job.store, "stage": job.stage, "key": job.key, "attempt": self._draft.attempt}
        self._waiting = deque(shards)
        self._progress = context.progress
        self._in_flight: dict[int, Future[bytes]] = {}
        self._results: SimpleQueue[tuple[int, ShardMessage]] = SimpleQueue()
        self._tries = Counter[int]()

    def run(self) -> Iterator[tuple[int, ShardDone]]:
        """Yield each shard when it is journalled and read back."""
        total, finished = len(self._waiting), 0
        with ThreadPoolExecutor(_READERS) as readers:
            try:
                while finished < total:
                    self._submit(readers)
                    try:
                        shard, message = self._results.get(timeout=1)
                    except Empty:
                        if problem := self._cluster.problem():
                            raise StepError(problem) from None
                        continue
                    del self._in_flight[shard]
                    if isinstance(message, StepFailed):
                        raise ShardFailed(message)
                    if isinstance(message, ShardConflict):
                        self._retry(shard, message)
                        continue
                    finished += 1
                    self._progress(finished, total, "shards")
                    yield shard, message
            finally:
                for future in self._in_flight.values():
                    future.release()

    def _submit(self, readers: ThreadPoolExecutor) -> None:
        while self._waiting and len(self._in_flight) < _IN_FLIGHT * max(1, self._cluster.workers):
            shard = self._waiting.popleft()
            fresh = self._tries[shard] > 0
            self._tries[shard] += 1
            key = f"{self._attempt['stage']}-{self._attempt['key'][:8]}-shard-{shard}-{os.urandom(4).hex()}"
            arguments = (self._attempt, shard, fresh, self._scheduler.program)
            future = self._cluster.submit(make_shard, *arguments, key=key, gpu=self._scheduler.gpu)
            self._in_flight[shard] = future
            future.add_done_callback(lambda future, shard=shard: readers.submit(self._on_done, shard, future))

    def _on_done(self, shard: int, future: Future[bytes]) -> None:
        """Read back what a worker says that it has journalled; in a thread, since it waits for the store."""
        try:
            result = self._cluster.result(future)
            message: ShardMessage = (
                result if isinstance(result, StepFailed) else msgspec.json.decode(result, type=ShardMessage)
            )
            if isinstance(message, ShardDone) and not self._draft.accept_unit(str(shard)):
                message = ShardConflict(None, f"shard {shard} is not as its worker journalled it")
        except Exception as error:
            message = StepFailed(f"shard {shard}: {error}")
        self._results.put((shard, message))

    def _retry(self, shard: int, conflict: ShardConflict) -> None:
        """Queue a shard again, and delete the object that a worker left which had not finished it."""
        if self._tries[shard] >= _MAX_TRIES:
            raise StepError(f"{conflict.message}\n  run again, with workers of one kind of machine")
        if conflict.path is not None:
            self._draft.delete(conflict.path)
        self._waiting.append(shard)
