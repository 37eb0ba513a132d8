"""Make a step's shards at a dask scheduler's workers: one task a shard, few of them in flight."""

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
from pipeline.run.cluster.tasks import JOB, ShardConflict, ShardDone, ShardMessage, make_shard
from pipeline.run.messages import StepFailed, StepJob
from pipeline.run.step.failures import ShardFailed
from store import Draft

if TYPE_CHECKING:
    from distributed import Future

    from pipeline.stages.context import Context
    from pipeline.stages.sharded import Sharded

_EACH = 2  # shards in flight for each worker: one that is made, one that waits
_TRIES = 5  # of one shard, where what dead workers left is in its way
_READERS = 4  # shards that are read back at a time


def coordinate(job: StepJob, context: Context) -> dict[str, Any]:
    """Do a step whose stage can be opened, with the shards made elsewhere; return its provenance.

    Raises
    ------
    FailedElsewhere
        A worker could not make its shard.
    StepError
        The scheduler is gone, or has no workers; what is journalled stays.
    """
    assert job.scheduler is not None
    step: Sharded = import_hashed(STAGES[job.stage].open, job.code)(_without_gpu(context))
    left = step.prepare()
    if not left:
        return step.finalise([])
    with Cluster(job.scheduler.address, job.scheduler.certificate) as cluster:
        work = _ShardCoordinator(job, context, cluster, left)
        made = dict(work.done())
    devices = ", ".join(sorted({message.device for message in made.values()}))
    workers = sorted({message.host for message in made.values()})
    return {**step.finalise(made[shard].note for shard in sorted(made)), "device": devices, "workers": workers}


def _without_gpu(context: Context) -> Context:
    """Return a context in which a network can be opened on any machine: here it only says how wide its features are."""
    params = context.recipe["params"]
    if params.get("precision") != "fp16":
        return context
    return replace(context, recipe={**context.recipe, "params": {**params, "precision": "fp32"}})


class _ShardCoordinator:
    """The shards that are left, in flight and read back."""

    def __init__(self, job: StepJob, context: Context, cluster: Cluster, left: Iterable[int]) -> None:
        assert job.scheduler is not None
        assert isinstance(context.draft, Draft)  # which alone can be shared
        self._draft = context.draft
        self._draft.scratch_write(JOB, msgspec.json.encode(msgspec.structs.replace(job, scheduler=None)))
        self._draft.share()
        self._cluster, self._gpu, self._program = cluster, job.scheduler.gpu, job.scheduler.program
        self._place = {"store": job.store, "stage": job.stage, "key": job.key, "attempt": self._draft.attempt}
        self._left, self._total = deque(left), 0
        self._progress = context.progress
        self._flying: dict[int, Future[bytes]] = {}
        self._landed: SimpleQueue[tuple[int, ShardMessage]] = SimpleQueue()
        self._tries = Counter[int]()

    def done(self) -> Iterator[tuple[int, ShardDone]]:
        """Yield each shard when it is journalled and read back."""
        self._total, finished = len(self._left), 0
        with ThreadPoolExecutor(_READERS) as readers:
            self._readers = readers
            try:
                while finished < self._total:
                    self._send()
                    try:
                        shard, message = self._landed.get(timeout=1)
                    except Empty:
                        if problem := self._cluster.problem():
                            raise StepError(problem) from None
                        continue
                    del self._flying[shard]
                    if isinstance(message, StepFailed):
                        raise ShardFailed(message)
                    if isinstance(message, ShardConflict):
                        self._again(shard, message)
                        continue
                    finished += 1
                    self._progress(finished, self._total, "shards")
                    yield shard, message
            finally:
                for future in self._flying.values():
                    future.release()

    def _send(self) -> None:
        while self._left and len(self._flying) < _EACH * max(1, self._cluster.workers):
            shard = self._left.popleft()
            fresh = self._tries[shard] > 0
            self._tries[shard] += 1
            key = f"{self._place['stage']}-{self._place['key'][:8]}-shard-{shard}-{os.urandom(4).hex()}"
            future = self._cluster.submit(make_shard, self._place, shard, fresh, self._program, key=key, gpu=self._gpu)
            self._flying[shard] = future
            future.add_done_callback(lambda future, shard=shard: self._readers.submit(self._land, shard, future))

    def _land(self, shard: int, future: Future[bytes]) -> None:
        """Take in what a worker says that it has journalled."""
        try:
            found = self._cluster.result(future)
            message: ShardMessage = (
                found if isinstance(found, StepFailed) else msgspec.json.decode(found, type=ShardMessage)
            )
            if isinstance(message, ShardDone) and not self._draft.take_in(str(shard)):
                message = ShardConflict(None, f"shard {shard} is not as its worker journalled it")
        except Exception as error:
            message = StepFailed(f"shard {shard}: {error}", "")
        self._landed.put((shard, message))

    def _again(self, shard: int, taken: ShardConflict) -> None:
        """Have a shard made again, after deleting what a worker left that had not finished it."""
        if self._tries[shard] >= _TRIES:
            raise StepError(f"{taken.message}\n  run again, with workers of one kind of machine")
        if taken.path is not None:
            self._draft.delete(taken.path)
        self._left.append(shard)
