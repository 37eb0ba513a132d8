"""Have the outputs that are sought, fetched or made; a step that fails stops only those that need it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection, Iterable
from contextlib import ExitStack
from itertools import islice
from queue import Empty
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError
from pipeline.formatting import duration, size
from pipeline.plan.broken_recordings import is_foreseen
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.run.batching import batch_signature
from pipeline.run.display import Display, make_display
from pipeline.run.jobs import make_fetch, make_job
from pipeline.run.messages import StepDone, StepFailed, StepProgress, WorkerAlive, WorkerSilent
from pipeline.run.outcome import Outcome, record_outcome
from pipeline.run.pool import Pool
from store.errors import StoreError

if TYPE_CHECKING:
    from pipeline.run.cluster.pool import ScheduledPool

_log = logging.getLogger(__name__)

_LOOK_EVERY_S, _TRY_EVERY_S = 1.0, 5.0  # whether a step that another run was doing is done; is free


def run_steps(
    plan: Plan,
    sought: Iterable[str],
    *,
    jobs: int | None,
    device: str,
    forced: Collection[str] = (),
    wait: bool = False,
    scheduler: str | None = None,
    together: int = 1,
) -> Outcome:
    """Have the outputs of steps here, each as soon as what it needs is: fetched where a remote has it, or else made.

    Parameters
    ----------
    sought
        Ids of steps, see `pipeline.run.selection.steps_to_materialise`. What they need to be made follows by itself.
    jobs
        Steps at a time; None: as many as there are processor cores. Encoding video and indexing use all
        cores, so nothing is made beside them.
    forced
        Ids of steps to make again although they are there.
    wait
        For a step that another run is doing: wait until it is done, or take it over when that run is gone. Otherwise
        such a step fails, after all others have ended.
    scheduler
        Who does the work: a dask scheduler's address, ``local`` for one that is started for this run, or None.
    together
        How many models that differ in fold and seed only are trained as one at most; see `trainers.fit.stacked`.

    Raises
    ------
    StepError
        The scheduler cannot be reached, has no workers, or workers with other code.
    """
    outcome = Outcome()
    run = _Run(plan, outcome, device, forced, wait, together)
    for id_ in sought:
        run.seek(id_)
    if not run.waiting:
        return outcome
    with ExitStack() as held:
        run.pool = _open_pool(held, jobs, device, scheduler if run.makes_more_than_the_index() else None)
        held.callback(record_outcome, plan, outcome)
        held.callback(run.pool.close)
        with make_display(len(run.waiting)) as run.display:
            run.loop()
    return outcome


def _open_pool(held: ExitStack, jobs: int | None, device: str, scheduler: str | None) -> Pool | ScheduledPool:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    local = Pool(jobs or min(cores, 8))
    if scheduler is None:
        return local
    from pipeline.run.cluster.pool import open_scheduled

    return held.enter_context(open_scheduled(local, scheduler, jobs or cores, device))


class _Run:
    """The state of one run: what waits, what runs, what is there."""

    pool: Pool | ScheduledPool
    display: Display

    def __init__(
        self, plan: Plan, outcome: Outcome, device: str, forced: Collection[str], wait: bool, together: int
    ) -> None:
        self.waiting: set[str] = set()
        self._plan, self._outcome, self._device, self._forced, self._wait = plan, outcome, device, forced, wait
        self._together = together
        self._kinds: dict[str, str | None] = {}
        self._order = {id_: place for place, id_ in enumerate(plan.steps)}
        self._there = {id_ for id_, state in plan.states.items() if state == "cached" and id_ not in forced}
        self._running: dict[str, bool] = {}  # step -> whether it is made, not fetched
        self._led: dict[str, str] = {}  # running step -> the first of those that are done as one with it
        self._ending: set[str] = set()  # such firsts, where some are done and the others will be in a moment
        self._fetch_failed: dict[str, str] = {}
        self._mended: set[str] = set()
        self._told_of: set[tuple[str, str]] = set()  # a step, and an input that it found damaged
        self._told: set[str] = set()
        self._locked: dict[str, tuple[float, StepFailed]] = {}  # step -> when to try again, and what was said

    def seek(self, id_: str) -> None:
        """Have a step's output here, and what it needs where it must be made."""
        if id_ in self._there or id_ in self.waiting or id_ in self._running:
            return
        self.waiting.add(id_)
        if self._is_made(id_):
            for need in self._plan.steps[id_].needs:
                self.seek(need)

    def loop(self) -> None:
        while self.waiting or self._running:
            self._leave_out()
            self._look_at_locked()
            self._start_ready()
            if not self._running and not self._locked:
                continue
            try:
                step, message = self.pool.events.get(timeout=_LOOK_EVERY_S) if self._locked else self.pool.events.get()
            except Empty:
                continue
            if isinstance(message, StepProgress):
                self.display.advance(step, message.done, message.total, message.what)
                continue
            if isinstance(message, WorkerSilent):
                self.display.note(step, message.message)
                continue
            assert not isinstance(message, WorkerAlive)  # the pool keeps those to itself
            self._end(step, message)

    def makes_more_than_the_index(self) -> bool:
        """Tell whether a step is to be made that is not made here in any case."""
        return any(self._is_made(id_) and self._plan.steps[id_].stage != "index" for id_ in self.waiting)

    def _is_made(self, id_: str) -> bool:
        return id_ in self._forced or self._plan.states[id_] != "remote"

    def _start_ready(self) -> None:
        if self._ending:  # what needs them shall be done as one, too
            return
        for id_ in sorted(self.waiting, key=self._order.__getitem__):
            if id_ not in self.waiting or not self._is_ready(id_):  # begun with one before it
                continue
            step, made = self._plan.steps[id_], self._is_made(id_)
            if not self._has_room(step, made):
                if made and self.pool.in_order:
                    break
                continue
            self._start([id_, *self._alike(step)] if made else [id_])

    def _is_ready(self, id_: str) -> bool:
        needs = self._plan.steps[id_].needs if self._is_made(id_) else ()
        return id_ not in self._locked and self._there.issuperset(needs)

    def _alike(self, step: Step) -> list[str]:
        """Return others that are ready and can be done as one with a step."""
        wanted = self._kind(step.id) if self._together > 1 else None
        if wanted is None:
            return []
        others = sorted(self.waiting - {step.id}, key=self._order.__getitem__)
        alike = (id_ for id_ in others if self._is_made(id_) and self._is_ready(id_) and self._kind(id_) == wanted)
        return list(islice(alike, self._together - 1))

    def _kind(self, id_: str) -> str | None:
        if id_ not in self._kinds:
            self._kinds[id_] = batch_signature(self._plan, self._plan.steps[id_])
        return self._kinds[id_]

    def _start(self, ids: list[str]) -> None:
        """Begin steps that are done as one, or a fetch."""
        jobs = []
        for id_ in ids:
            step, made = self._plan.steps[id_], self._is_made(id_)
            self.waiting.remove(id_)
            self._running[id_], self._led[id_] = made, ids[0]
            self.display.start(id_)
            _log.info("%s: %s key %s", id_, "making" if made else "fetching", step.key)
            try:
                if not made:
                    self.pool.start(make_fetch(self._plan, step))
                else:
                    jobs.append(make_job(self._plan, step, self._device, id_ in self._forced))
            except PipelineError as error:
                told = self._fetch_failed.get(id_)
                self._end(id_, StepFailed(f"{error}{f'{chr(10)}  and {told}' if told else ''}", ""))
        if jobs:
            self.pool.start(jobs)

    def _has_room(self, step: Step, made: bool) -> bool:
        first = {self._led[id_]: id_ for id_ in self._running}.values()
        running = [self._plan.steps[id_] if self._running[id_] else None for id_ in first]
        return self.pool.has_room(step if made else None, running)

    def _end(self, id_: str, message: StepDone | StepFailed) -> None:
        made = self._running.pop(id_)
        first = self._led.pop(id_)
        if first not in self._led.values():
            self._ending.discard(first)
        elif isinstance(message, StepDone):
            self._ending.add(first)
        if isinstance(message, StepDone):
            self._have(id_)
            (self._outcome.done if made else self._outcome.fetched)[id_] = message
            note = f", {message.note}" if message.note else ""
            what = f"done in {duration(message.seconds)}{note}" if made else f"fetched, {size(message.bytes)}"
            self.display.end(id_, what)
        elif message.locked:
            self._locked[id_] = (time.monotonic() + _TRY_EVERY_S, message)
            told = id_ in self._told
            self._told.add(id_)
            self._again(id_, "" if told else f"is being done by {message.locked}; going on with other steps")
        elif not made:
            self._fetch_failed[id_] = message.message
            self._plan.states[id_] = "todo"
            self._again(id_, f"cannot be fetched, and is made here: {message.message}")
        elif message.damaged and self._mend(id_, message):
            self.seek(id_)
        else:
            self._outcome.failed[id_] = message
            self.display.end(id_, "FAILED")

    def _have(self, id_: str) -> None:
        """Note that a step's output is there; give up what must be planned again for what it drops."""
        self._there.add(id_)
        step = self._plan.steps[id_]
        if not is_foreseen(self._plan, step):
            self._outcome.outdated = True
            lost = {each for each in self.waiting if step.stage == "index" or "split" in self._plan.steps[each].work}
            self.waiting -= lost
            self._locked = {each: since for each, since in self._locked.items() if each not in lost}
            self.display.more(-len(lost))

    def _again(self, id_: str, why: str) -> None:
        self.display.put_back(id_, why)
        self.seek(id_)

    def _mend(self, id_: str, message: StepFailed) -> bool:
        """Put a damaged output aside and have it fetched or made again; each step may tell of each output once."""
        assert message.damaged is not None
        stage, key, attempt = message.damaged
        broken = next((step for step in self._plan.steps.values() if (step.stage, step.key) == (stage, key)), None)
        if broken is None or (id_, broken.id) in self._told_of:
            return False
        self._told_of.add((id_, broken.id))
        if broken.id in self._mended:  # another step, which ran beside this one, told of it first
            self.display.put_back(id_, f"found {broken.id} damaged, too; that is had again")
            return True
        self._mended.add(broken.id)
        there = self._plan.store.has(stage, key)
        try:
            place = self._plan.store.quarantine(stage, key, message.message, attempt=attempt)
        except StoreError:
            return False
        self._there.discard(broken.id)
        self._plan.states[broken.id] = "remote" if self._plan.chain.locate([(stage, key)]) else "todo"
        what = message.message.partition(". Run again")[0]
        found = f"damaged: {what}; it was moved to {place}" if there else "gone"  # put aside by another run
        self.display.put_back(id_, f"found {broken.id} {found}")
        before = len(self.waiting)
        self.seek(broken.id)
        self.display.more(len(self.waiting) - before)
        return True

    def _look_at_locked(self) -> None:
        """See whether what another run was doing is done; try it again; give it up when nothing else is left."""
        now = time.monotonic()
        for id_, (when, said) in list(self._locked.items()):
            if id_ not in self._locked:
                continue
            step = self._plan.steps[id_]
            if self._plan.store.has(step.stage, step.key):
                del self._locked[id_]
                self.waiting.remove(id_)
                self._have(id_)
                self._outcome.fetched[id_] = StepDone(0.0, 0, "")
                self.display.end(id_, "done by another run")
            elif not self._wait and self.waiting <= self._held_up() and not self._running:
                del self._locked[id_]
                self.waiting.remove(id_)
                self._outcome.failed[id_] = StepFailed(
                    f"{said.message}\n  or give --wait, to wait until then", said.traceback
                )
                self.display.end(id_, "left to another run")
            elif now >= when and self._wait:
                del self._locked[id_]

    def _held_up(self) -> set[str]:
        """Return the waiting steps that are locked, or need one that is."""
        held = set(self._locked)
        for id_ in sorted(self.waiting, key=self._order.__getitem__):
            if not held.isdisjoint(self._plan.steps[id_].needs):
                held.add(id_)
        return held

    def _leave_out(self) -> None:
        """Drop waiting steps that need, directly or not, one that failed."""
        lost = {*self._outcome.failed, *self._outcome.left_out}
        for id_ in sorted(self.waiting, key=self._order.__getitem__):  # so that losses travel down in one pass
            cause = next((need for need in self._plan.steps[id_].needs if need in lost), None)
            if cause is not None and self._is_made(id_):
                self.waiting.remove(id_)
                lost.add(id_)
                self._outcome.left_out[id_] = cause
