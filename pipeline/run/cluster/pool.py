"""A pool whose work is done at a dask scheduler, with the methods of `pipeline.run.pool.Pool`.

Whole steps are tasks of the scheduler. For a step that is made in shards, a local worker process is its coordinator
(`pipeline.run.cluster.shards`), which submits a task for each shard. Fetching and indexing are done by local workers.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.plan.steps.step import Step
from pipeline.registry import STAGES
from pipeline.run.cluster.client import Cluster
from pipeline.run.cluster.fingerprint import fingerprint
from pipeline.run.cluster.tasks import do_steps
from pipeline.run.messages import (
    Certificate,
    FetchJob,
    Message,
    Scheduler,
    StepDone,
    StepFailed,
    StepJob,
    StepProgress,
    WorkerSilent,
)
from pipeline.run.pool import Pool
from pipeline.run.step.gpus import count_gpus

if TYPE_CHECKING:
    from distributed import Future

_log = logging.getLogger(__name__)

_IN_FLIGHT = 2  # whole steps for each worker: one that is done, one that waits
_MAX_COORDINATORS = 3  # steps whose shards are made at a time
_WATCH_EVERY_S = 2.0


@contextmanager
def open_scheduled(local: Pool, scheduler: str, size: int, device: str) -> Iterator[ScheduledPool]:
    """Connect to a scheduler, or start a ``local`` one with workers on this machine, and check its workers.

    `size` is the number of workers of a local one; where there are GPUs it has one for each instead.
    """
    certificate = None
    with ExitStack() as held:
        if scheduler == "local":
            from pipeline.run.cluster.local import start_local

            started = held.enter_context(start_local(size, count_gpus(device)))
            scheduler, security = started.scheduler_address, started.security
            certificate = Certificate(security.tls_client_cert, security.tls_client_key)
        cluster = held.enter_context(Cluster(scheduler, certificate))
        cluster.check(device)
        bokeh = "" if find_spec("bokeh") else " (shows its pages where the scheduler's Python has bokeh)"
        _log.warning("dashboard: %s%s", cluster.link, bokeh)
        yield ScheduledPool(local, cluster, device)


class ScheduledPool:
    """Does jobs at a scheduler's workers; see `pipeline.run.pool.Pool` for the attributes and methods."""

    in_order = False

    def __init__(self, local: Pool, cluster: Cluster, device: str) -> None:
        self.events: SimpleQueue[tuple[str, Message]] = local.events
        self._local, self._cluster = local, cluster
        self._gpu = device == "cuda" or (device == "auto" and cluster.gpus > 0)
        self._in_flight: dict[str, Future[bytes]] = {}  # by step; those of a batch share one
        self._lock = threading.Lock()  # of the former
        self._closed = threading.Event()
        self._topic = f"pipeline-run-{os.urandom(8).hex()}"
        cluster.listen(self._topic, self._on_progress)
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def size(self) -> int:
        """How many steps are done at a time."""
        return max(1, self._cluster.workers)

    @property
    def gpus(self) -> int:
        """How many GPUs train models, each by itself."""
        return self._cluster.gpus if self._gpu else 0

    def has_room(self, step: Step | None, running: Sequence[Step | None]) -> bool:
        """Tell whether a step can be started beside the running ones; None stands for one that is only fetched."""
        if _is_local(step):
            return self._local.has_room(step, [each for each in running if _is_local(each)])
        assert step is not None
        sharded = _is_sharded(step)
        same = [each for each in running if each and not _is_local(each) and _is_sharded(each) == sharded]
        return len(same) < (_MAX_COORDINATORS if sharded else _IN_FLIGHT * max(1, self._cluster.workers))

    def start(self, work: Sequence[StepJob] | FetchJob) -> None:
        """Start jobs that are done as one batch."""
        if isinstance(work, FetchJob) or work[0].stage == "index":
            self._local.start(work)
            return
        job = work[0]
        if STAGES[job.stage].open:
            gpu = self._gpu and job.uses_gpu
            scheduler = Scheduler(self._cluster.address, gpu, fingerprint(), self._cluster.certificate)
            self._local.start([msgspec.structs.replace(each, scheduler=scheduler) for each in work])
        else:
            key = f"{job.stage}-{job.key[:8]}-{os.urandom(4).hex()}"
            data = msgspec.json.encode(work)
            future = self._cluster.submit(do_steps, data, fingerprint(), self._topic, key=key, gpu=self._gpu)
            steps = [each.step for each in work]
            with self._lock:
                self._in_flight |= dict.fromkeys(steps, future)
            future.add_done_callback(lambda future: self._on_done(steps, future))

    def close(self) -> None:
        """Cancel what is in flight."""
        self._closed.set()
        self._local.close()
        with self._lock:
            futures = set(self._in_flight.values())
            self._in_flight.clear()
        for future in futures:
            future.release()
        self._cluster.close()

    def _on_done(self, steps: Sequence[str], future: Future[bytes]) -> None:
        claimed = [] if self._closed.is_set() else [step for step in steps if self._claim(step)]
        if not claimed:
            return
        result = self._cluster.result(future)
        if isinstance(result, StepFailed):
            messages: dict[str, StepDone | StepFailed] = dict.fromkeys(claimed, result)
        else:
            messages = msgspec.json.decode(result, type=dict[str, StepDone | StepFailed])
        for step in claimed:
            self.events.put((step, messages[step]))

    def _on_progress(self, event: dict[str, Any]) -> None:
        with self._lock:  # so that it stands before the step's end
            if event["step"] in self._in_flight:
                self.events.put((event["step"], StepProgress(event["done"], event["total"], event["what"])))

    def _claim(self, step: str) -> bool:
        """Take a step out of those in flight; False where another thread has, which then reports its end."""
        with self._lock:
            return self._in_flight.pop(step, None) is not None

    def _watch(self) -> None:
        """Report silent workers; fail what is in flight when no worker, or no scheduler, is left to do it."""
        while not self._closed.wait(_WATCH_EVERY_S):
            try:
                self._look()
            except Exception:  # dask has many for a client that is closed in between, as it is when a run is stopped
                if not self._closed.is_set():
                    raise

    def _look(self) -> None:
        problem = self._cluster.problem()
        for message in self._cluster.silence_messages():
            self.events.put((self._cluster.address, WorkerSilent(message)))
        for step in list(self._in_flight) if problem else ():
            if self._claim(step):
                self.events.put((step, StepFailed(problem)))


def _is_local(step: Step | None) -> bool:
    return step is None or step.stage == "index"


def _is_sharded(step: Step) -> bool:
    return bool(STAGES[step.stage].open)
