"""Work at a dask scheduler: whole steps as its tasks, shards by a coordinator here, the rest in processes here."""

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
    runs_a_network,
)
from pipeline.run.pool import Pool

if TYPE_CHECKING:
    from distributed import Future

_log = logging.getLogger(__name__)

_EACH = 2  # whole steps in flight for each worker
_COORDINATORS = 3  # steps whose shards are made at a time
_LOOK_EVERY_S = 2.0


@contextmanager
def open_scheduled(local: Pool, scheduler: str, size: int, device: str) -> Iterator[ScheduledPool]:
    """Connect to a scheduler, or start one with workers on this machine, and check its workers.

    Parameters
    ----------
    scheduler
        Its address, or ``local``.
    size
        Workers of a local one; one a GPU where there are any.
    """
    certificate = None
    with ExitStack() as held:
        if scheduler == "local":
            from pipeline.run.cluster.local import count_gpus, start_local

            started = held.enter_context(start_local(size, count_gpus(device)))
            scheduler, security = started.scheduler_address, started.security
            certificate = Certificate(security.tls_client_cert, security.tls_client_key)
        cluster = held.enter_context(Cluster(scheduler, certificate))
        cluster.check(device)
        bokeh = "" if find_spec("bokeh") else " (shows its pages where the scheduler's Python has bokeh)"
        _log.warning("dashboard: %s%s", cluster.link, bokeh)
        yield ScheduledPool(local, cluster, device)


class ScheduledPool:
    """A pool (see `pipeline.run.pool.Pool`) whose work is done by the workers of a scheduler."""

    in_order = False

    def __init__(self, local: Pool, cluster: Cluster, device: str) -> None:
        self.events: SimpleQueue[tuple[str, Message]] = local.events
        self._local, self._cluster = local, cluster
        self._gpu = device == "cuda" or (device == "auto" and cluster.gpus > 0)
        self._flying: dict[str, Future[bytes]] = {}
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._topic = f"pipeline-run-{os.urandom(8).hex()}"
        cluster.listen(self._topic, self._hear)
        threading.Thread(target=self._watch, daemon=True).start()

    def has_room(self, step: Step | None, running: Sequence[Step | None]) -> bool:
        """Tell whether a step can be started beside those that run; None: one that is fetched."""
        if _is_local(step):
            return self._local.has_room(step, [each for each in running if _is_local(each)])
        assert step is not None
        sharded = _is_sharded(step)
        alike = [each for each in running if each and not _is_local(each) and _is_sharded(each) == sharded]
        return len(alike) < (_COORDINATORS if sharded else _EACH * max(1, self._cluster.workers))

    def start(self, work: Sequence[StepJob] | FetchJob) -> None:
        """Begin jobs that are done as one; what becomes of them is told by `events`."""
        if isinstance(work, FetchJob) or work[0].stage == "index":
            self._local.start(work)
            return
        job = work[0]
        if STAGES[job.stage].open:
            gpu = self._gpu and runs_a_network(job.stage, job.recipe)
            scheduler = Scheduler(self._cluster.address, gpu, fingerprint(), self._cluster.certificate)
            self._local.start([msgspec.structs.replace(each, scheduler=scheduler) for each in work])
        else:
            key = f"{job.stage}-{job.key[:8]}-{os.urandom(4).hex()}"
            data = msgspec.json.encode(work)
            future = self._cluster.submit(do_steps, data, fingerprint(), self._topic, key=key, gpu=self._gpu)
            steps = [each.step for each in work]
            with self._guard:
                self._flying |= dict.fromkeys(steps, future)
            future.add_done_callback(lambda future: self._land(steps, future))

    def close(self) -> None:
        """Cancel what is in flight."""
        self._ended.set()
        self._local.close()
        with self._guard:
            futures = set(self._flying.values())
            self._flying.clear()
        for future in futures:
            future.release()
        self._cluster.close()

    def _land(self, steps: Sequence[str], future: Future[bytes]) -> None:
        mine = [] if self._ended.is_set() else [step for step in steps if self._claim(step)]
        if not mine:
            return
        found = self._cluster.result(future)
        told = (
            {} if isinstance(found, StepFailed) else msgspec.json.decode(found, type=dict[str, StepDone | StepFailed])
        )
        for step in mine:
            self.events.put((step, found if isinstance(found, StepFailed) else told[step]))

    def _hear(self, told: dict[str, Any]) -> None:
        with self._guard:
            flying = told["step"] in self._flying
        if flying:
            self.events.put((told["step"], StepProgress(told["done"], told["total"], told["what"])))

    def _claim(self, step: str) -> bool:
        with self._guard:
            return self._flying.pop(step, None) is not None

    def _watch(self) -> None:
        """Give up what is in flight when nobody is left to do it."""
        while not self._ended.wait(_LOOK_EVERY_S):
            problem = self._cluster.problem()
            for told in self._cluster.silent():
                self.events.put((self._cluster.address, WorkerSilent(told)))
            for step in list(self._flying) if problem else ():
                if self._claim(step):
                    self.events.put((step, StepFailed(problem, "")))


def _is_local(step: Step | None) -> bool:
    return step is None or step.stage == "index"


def _is_sharded(step: Step) -> bool:
    return bool(STAGES[step.stage].open)
