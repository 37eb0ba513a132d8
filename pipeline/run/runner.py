"""Decide which step of a plan is done next: fetched, or computed by a worker, as soon as its inputs are available.

`run_steps` is the entry. It gives each step as a message (`pipeline.run.jobs`) to the worker processes of
`pipeline.run.pool`, or to the scheduler of `pipeline.run.cluster.pool`, and handles what they report. A step that fails
stops only those that need it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from contextlib import ExitStack
from functools import cache
from queue import Empty
from typing import TYPE_CHECKING

from pipeline.cores import allowed_cores
from pipeline.errors import PipelineError
from pipeline.formatting import duration, size
from pipeline.plan.broken_recordings import is_foreseen
from pipeline.plan.planner import Plan, states_of
from pipeline.plan.steps.step import Step
from pipeline.run.batching import batch_signature
from pipeline.run.display.lines import Display
from pipeline.run.display.live import make_display
from pipeline.run.display.run_state import Expected, RunState
from pipeline.run.elsewhere import LOOK_EVERY_S, Elsewhere
from pipeline.run.jobs import make_fetch, make_job
from pipeline.run.messages import CorruptInput, StepDone, StepFailed, StepProgress, WorkerAlive, WorkerSilent
from pipeline.run.outcome import Outcome, RunOptions, record_outcome
from pipeline.run.pool import Pool, uses_all_cores
from pipeline.run.selection import depending
from store.errors import StoreError

if TYPE_CHECKING:
    from pipeline.run.cluster.pool import ScheduledPool

_log = logging.getLogger(__name__)


def run_steps(
    plan: Plan,
    ids: Iterable[str],
    options: RunOptions,
    forced: Collection[str] = (),
    expected: Expected = lambda _: None,
) -> Outcome:
    """Make outputs of steps available in the local store: fetched where a remote has them, or else computed.

    What they need to be computed is added; the steps in `forced` are computed although their outputs exist. `expected`
    says how many seconds a step will take, by its id, where that is known.
    The plan's states are those after the run when this returns. StepError where the scheduler cannot be reached,
    has no workers, or workers with other code.
    """
    outcome = Outcome()
    run = _Run(plan, outcome, options, forced)
    for id_ in ids:
        run.add(id_)
    if not run.waiting:
        return outcome
    with ExitStack() as held:
        run.pool = _open_pool(held, options, run.computes_more_than_the_index())
        held.callback(record_outcome, plan, outcome)
        held.callback(run.pool.close)
        alone = uses_all_cores if run.pool.in_order else lambda _: False
        state = RunState.of_plan(plan, run.waiting, expected, run.pool.size, alone)
        with make_display(state) as run.display:
            run.loop()
    plan.states.update(states_of(plan.chain, (plan.steps[id_] for id_ in outcome.failed)))  # some are partial now
    return outcome


def _open_pool(held: ExitStack, options: RunOptions, use_scheduler: bool) -> Pool | ScheduledPool:
    cores = allowed_cores()
    local = Pool(options.jobs or min(cores, 8), options.device)
    if options.scheduler is None or not use_scheduler:
        return local
    from pipeline.run.cluster.pool import open_scheduled  # imports dask

    return held.enter_context(open_scheduled(local, options.scheduler, options.jobs or cores, options.device))


class _Run:
    """The state of one run: which steps wait, which run, which outputs are available."""

    pool: Pool | ScheduledPool
    display: Display

    def __init__(self, plan: Plan, outcome: Outcome, options: RunOptions, forced: Collection[str]) -> None:
        self.waiting: set[str] = set()
        self._plan, self._outcome, self._options, self._forced = plan, outcome, options, forced
        self._order = {id_: position for position, id_ in enumerate(plan.steps)}
        self._signature = cache(lambda id_: batch_signature(plan, plan.steps[id_]))
        self._available = {id_ for id_, state in plan.states.items() if state == "cached"} - {*forced}
        self._batch_leader: dict[str, str] = {}  # running step -> the first step of its batch
        self._finishing_batches: set[str] = set()  # leaders of batches of which some steps are done already
        self._fetch_errors: dict[str, str] = {}
        self._quarantined: set[str] = set()  # steps whose outputs were found damaged
        self._reported_damage: set[tuple[str, str]] = set()  # a step, and the input that it found damaged
        self._elsewhere = Elsewhere(plan.store)

    def add(self, id_: str) -> None:
        """Add a step to those that wait, unless its output is available, and what it needs where it is computed."""
        if id_ in self._available or id_ in self.waiting or id_ in self._batch_leader:
            return
        self.waiting.add(id_)
        if self._is_computed(id_):
            for need in self._plan.steps[id_].needs:
                self.add(need)

    def loop(self) -> None:
        """Start steps and handle what happens to them until none is left."""
        while self.waiting or self._batch_leader:
            self._skip_dependents()
            self._check_elsewhere()
            self._start_ready()
            if self._batch_leader or self._elsewhere:
                self._handle_event()

    def computes_more_than_the_index(self) -> bool:
        """Tell whether a scheduler has anything to do: fetching and indexing are done on this machine."""
        return any(self._is_computed(id_) and self._plan.steps[id_].stage != "index" for id_ in self.waiting)

    def _is_computed(self, id_: str) -> bool:
        """Tell whether a step is computed rather than fetched."""
        return id_ in self._forced or self._plan.states[id_] != "remote"

    def _handle_event(self) -> None:
        try:
            id_, message = self.pool.events.get(timeout=LOOK_EVERY_S if self._elsewhere else None)
        except Empty:
            return
        if isinstance(message, StepProgress):
            self.display.advance(id_, message)
        elif isinstance(message, WorkerSilent):
            self.display.note(id_, message.message)
        elif not isinstance(message, WorkerAlive):  # the pool keeps those to itself
            self._end(id_, message)

    def _start_ready(self) -> None:
        if self._finishing_batches:  # wait, so that what needs their steps can be one batch, too
            return
        for id_ in sorted(self.waiting, key=self._order.__getitem__):
            if id_ not in self.waiting or not self._is_ready(id_):  # not in: started as a batch mate of one before it
                continue
            step, computed = self._plan.steps[id_], self._is_computed(id_)
            if self._has_room(step if computed else None):
                self._start([id_, *self._batch_mates(id_)] if computed else [id_])
            elif computed and self.pool.in_order:
                break

    def _is_ready(self, id_: str) -> bool:
        needs = self._plan.steps[id_].needs if self._is_computed(id_) else ()
        return id_ not in self._elsewhere and self._available.issuperset(needs)

    def _batch_mates(self, id_: str) -> list[str]:
        """Return other steps that are ready and can be done as one with this one."""
        signature = self._signature(id_) if self._options.together != 1 else None
        if signature is None:
            return []
        others = sorted(self.waiting - {id_}, key=self._order.__getitem__)
        ready = (each for each in others if self._is_computed(each) and self._is_ready(each))
        alike = [each for each in ready if self._signature(each) == signature]
        return alike[: self._batch_size(1 + len(alike)) - 1]

    def _batch_size(self, alike: int) -> int:
        """Return how many of so many alike steps are done as one; left to the program, as many as each GPU's share."""
        if self._options.together is not None:
            return self._options.together
        return -(-alike // gpus) if alike > 1 and (gpus := self.pool.gpus) else 1

    def _has_room(self, step: Step | None) -> bool:
        first = {leader: id_ for id_, leader in self._batch_leader.items()}.values()  # one step of each batch
        return self.pool.has_room(step, [self._plan.steps[id_] if self._is_computed(id_) else None for id_ in first])

    def _start(self, ids: list[str]) -> None:
        """Start a batch of steps, or a fetch."""
        jobs = []
        for id_ in ids:
            step = self._plan.steps[id_]
            self.waiting.remove(id_)
            self._batch_leader[id_] = ids[0]
            self.display.start(id_, len(ids))
            computed = self._is_computed(id_)
            _log.info("%s: %s key %s", id_, "making" if computed else "fetching", step.key)
            try:
                if not computed:
                    self.pool.start(make_fetch(self._plan, step))
                else:
                    jobs.append(make_job(self._plan, step, self._options.device, id_ in self._forced))
            except PipelineError as error:
                fetch_error = self._fetch_errors.get(id_)
                self._end(id_, StepFailed(f"{error}\n  and {fetch_error}" if fetch_error else str(error)))
        if jobs:
            self.pool.start(jobs)

    def _end(self, id_: str, message: StepDone | StepFailed) -> None:
        computed = self._is_computed(id_)
        leader = self._batch_leader.pop(id_)
        if leader not in self._batch_leader.values():
            self._finishing_batches.discard(leader)
        elif isinstance(message, StepDone):
            self._finishing_batches.add(leader)
        if isinstance(message, StepDone):
            self._make_available(id_)
            (self._outcome.done if computed else self._outcome.fetched)[id_] = message
            note = f", {message.note}" if message.note else ""
            done = f"done in {duration(message.seconds)}{note}"
            fetched = f"fetched, {size(message.bytes)}"
            self.display.end(id_, done if computed else fetched, message.seconds if computed else None)
        elif message.locked_by:
            self._requeue(id_, "")
            if owner := self._elsewhere.add(id_, message):
                self.display.hold(id_, owner, waits=self._options.wait)
        elif not computed:
            self._fetch_errors[id_] = message.message
            self._plan.states[id_] = "todo"
            self._requeue(id_, f"cannot be fetched, and is made here: {message.message}")
        elif message.corrupt_input and self._recover_output(id_, message.corrupt_input, message.message):
            self.add(id_)
        else:
            self._outcome.failed[id_] = message
            self.display.end(id_, "FAILED", failed=True)

    def _make_available(self, id_: str) -> None:
        """Record that a step's output exists; drop the steps to be planned again for the recordings that it lacks."""
        self._available.add(id_)
        self._plan.states[id_] = "cached"
        self._options.ended(self._plan, id_)
        step = self._plan.steps[id_]
        if not is_foreseen(self._plan, step):
            self._outcome.outdated = True
            dropped = {each for each in self.waiting if step.stage == "index" or "split" in self._plan.steps[each].work}
            self.waiting -= dropped
            self._elsewhere.drop(dropped)
            self.display.await_steps(self.waiting)

    def _requeue(self, id_: str, reason: str) -> None:
        self.display.requeue(id_, reason)
        self.add(id_)
        self.display.await_steps(self.waiting)

    def _recover_output(self, id_: str, corrupt: CorruptInput, message: str) -> bool:
        """Quarantine a damaged input and add it to what waits; return False where the step is to fail instead."""
        name = (corrupt.stage, corrupt.key)
        damaged = next((step.id for step in self._plan.steps.values() if (step.stage, step.key) == name), None)
        if damaged is None or (id_, damaged) in self._reported_damage:
            return False  # the second time for this step, or not an output of this plan
        self._reported_damage.add((id_, damaged))
        if damaged in self._quarantined:  # another step, which ran beside this one, has reported it
            self.display.requeue(id_, f"found {damaged} damaged, too; it is fetched or computed again")
            return True
        self._quarantined.add(damaged)
        existed = self._plan.store.has(*name)
        try:
            place = self._plan.store.quarantine(*name, message, attempt=corrupt.attempt)
        except StoreError as error:
            _log.warning("error: %s is damaged, and could not be set aside: %s", damaged, error)
            return False
        self._available.discard(damaged)
        self._plan.states[damaged] = "remote" if self._plan.chain.locate([name]) else "todo"
        finding = f"damaged: {corrupt.finding}; it was moved to {place}" if existed else "gone"  # another run moved it
        self.display.requeue(id_, f"found {damaged} {finding}")
        self.add(damaged)
        self.display.await_steps(self.waiting | {id_})
        return True

    def _check_elsewhere(self) -> None:
        """Look at the steps that other runs are doing: are they done, to be tried again, or all that is left to do?"""
        for id_ in self._elsewhere:
            if id_ not in self._elsewhere:  # dropped, because of the recordings that one before it lacks
                continue
            step = self._plan.steps[id_]
            if self._plan.store.has(step.stage, step.key):
                self._elsewhere.remove(id_)
                self.waiting.remove(id_)
                self._make_available(id_)
                self._outcome.fetched[id_] = StepDone(0.0, 0, device="")
                self.display.end(id_, "done by another run")
            elif self._options.wait:
                if owner := self._elsewhere.look(step):
                    self.display.hold(id_, owner, waits=True)
            elif not self._batch_leader and self.waiting <= {*self._elsewhere, *self._needing(self._elsewhere)}:
                failed = self._elsewhere.remove(id_)
                self.waiting.remove(id_)
                message = f"{failed.message}\n  or leave out --no-wait, to wait until then"
                self._outcome.failed[id_] = StepFailed(message, failed.traceback)
                self.display.end(id_, "left to another run", failed=True)

    def _skip_dependents(self) -> None:
        """Drop waiting steps that need, directly or not, one that failed."""
        if skipped := self._needing([*self._outcome.failed, *self._outcome.skipped]):
            self.waiting -= skipped.keys()
            self._outcome.skipped |= skipped
            self.display.await_steps(self.waiting)

    def _needing(self, on: Iterable[str]) -> dict[str, str]:
        """Return the waiting steps that need, directly or not, some others to be computed, with what they need."""
        computed = sorted(filter(self._is_computed, self.waiting), key=self._order.__getitem__)
        return depending((self._plan.steps[id_] for id_ in computed), on)
