"""Do the steps that are not there yet; a step that fails stops only those that need it."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pipeline.errors import PipelineError
from pipeline.plan.history import Past
from pipeline.plan.planner import Plan
from pipeline.plan.step import Step
from pipeline.run.job import Done, Failed, Progress, make_job
from pipeline.run.pool import Pool
from pipeline.run.progress import Display, duration, make_display
from store.errors import StoreError


@dataclass
class Outcome:
    """What became of the steps of a run: done now, failed (with the message), or left out for what failed."""

    done: dict[str, Done] = field(default_factory=dict)
    failed: dict[str, Failed] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def run_steps(
    plan: Plan, steps: Mapping[str, Step], *, jobs: int | None, device: str, forced: Collection[str] = ()
) -> Outcome:
    """Run steps that are not cached, in worker processes, each as soon as what it needs is there.

    Parameters
    ----------
    jobs
        Steps at a time; None: as many as there are processor cores. Encoding video and indexing use all
        cores, so nothing runs beside them.
    forced
        Ids of cached steps to do again.
    """
    todo = {id_: step for id_, step in steps.items() if plan.states[id_] != "cached" or id_ in forced}
    outcome = Outcome()
    if not todo:
        return outcome
    pool = Pool(jobs or min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, 8))
    try:
        with make_display(len(todo)) as display:
            _Run(plan, todo, outcome, pool, display, device, forced).loop()
    finally:
        pool.close()
        _remember(plan, todo, outcome)
    return outcome


def _remember(plan: Plan, todo: Mapping[str, Step], outcome: Outcome) -> None:
    """Note what was done; a full store must not hide why steps failed."""
    done = {s: Past(todo[s].stage, todo[s].key, round(d.seconds, 3), d.bytes) for s, d in outcome.done.items()}
    try:
        plan.history.note(done)
    except StoreError as error:
        print(f"note: this run is not remembered for estimates and explanations: {error}", file=sys.stderr)


class _Run:
    """The state of one run: what waits, what runs, what is there."""

    def __init__(
        self,
        plan: Plan,
        todo: Mapping[str, Step],
        outcome: Outcome,
        pool: Pool,
        display: Display,
        device: str,
        forced: Collection[str],
    ) -> None:
        self._forced = forced
        self._plan, self._outcome, self._pool, self._display, self._device = (
            plan,
            outcome,
            pool,
            display,
            device,
        )
        self._waiting = dict(todo)
        self._running: dict[str, Step] = {}
        self._missing = set(todo)

    def loop(self) -> None:
        while self._waiting or self._running:
            self._leave_out()
            self._start_ready()
            if not self._running:
                continue
            step, message = self._pool.events.get()
            if isinstance(message, Progress):
                self._display.advance(step, message.done, message.total, message.what)
                continue
            del self._running[step]
            self._end(step, message)

    def _start_ready(self) -> None:
        for id_, step in list(self._waiting.items()):
            if not self._has_room(step):
                break
            if self._missing.isdisjoint(step.needs):
                del self._waiting[id_]
                self._display.start(id_)
                try:
                    job = make_job(self._plan, step, self._device, id_ in self._forced)
                except PipelineError as error:
                    self._end(id_, Failed(str(error), ""))
                    continue
                self._running[id_] = step
                self._pool.start(job)

    def _has_room(self, step: Step) -> bool:
        if not self._running:
            return True
        alone = _uses_all_cores(step) or any(map(_uses_all_cores, self._running.values()))
        return not alone and len(self._running) < self._pool.size

    def _end(self, id_: str, message: Done | Failed) -> None:
        if isinstance(message, Done):
            self._missing.discard(id_)
            self._outcome.done[id_] = message
            self._display.end(id_, f"done in {duration(message.seconds)}")
        else:
            self._outcome.failed[id_] = message
            self._display.end(id_, "FAILED")

    def _leave_out(self) -> None:
        """Drop waiting steps that need, directly or not, one that failed."""
        lost = {*self._outcome.failed, *self._outcome.left_out}
        for id_, step in list(self._waiting.items()):  # in plan order, so that losses travel down in one pass
            cause = next((need for need in step.needs if need in lost), None)
            if cause is not None:
                del self._waiting[id_]
                lost.add(id_)
                self._outcome.left_out[id_] = cause


def _uses_all_cores(step: Step) -> bool:
    return step.stage == "index" or (step.stage == "encode" and step.recipe["modality"]["kind"] == "video")
