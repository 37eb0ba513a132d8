"""What a display knows of a run: which steps run, wait or have ended, and how long all takes still."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from pipeline.formatting import counted
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.run.display.remaining import Measured, RunLeft, StepLeft, left_of_run
from pipeline.run.display.running import Running, left_text

_SPARED = 200  # of a second of run, one part in so many goes into estimating what is left

Expected = Callable[[str], float | None]  # seconds that a step takes, by its id; None: not known


@dataclass(frozen=True)
class Shape:
    """What matters of a step for the time that a run takes: see `StepLeft`."""

    group: str
    needs: tuple[str, ...]
    alone: bool


@dataclass
class RunState:
    """The steps of a run.

    Attributes
    ----------
    shapes
        All steps that may become part of the run, in an order in which a step comes after those that it needs.
    waiting
        Ids of those that are to be done and do not run.
    expected
        Asked once for each step.
    at_once
        How many steps run side by side.
    """

    shapes: Mapping[str, Shape]
    waiting: set[str]
    expected: Expected
    at_once: int
    began: float
    running: dict[str, Running] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)  # steps that others are doing: by whom
    ended: int = 0
    failed: int = 0
    _measured: Measured = field(default_factory=Measured)
    _asked: dict[str, float | None] = field(default_factory=dict)
    _left: tuple[float, RunLeft] | None = None  # when it was estimated
    _next: float = 0.0

    @property
    def total(self) -> int:
        """How many steps the run has."""
        return self.ended + len(self.running) + len(self.waiting)

    def unasked(self) -> list[str]:
        """Return the waiting steps of which it was not asked yet how long they take."""
        return [step for step in self.waiting if step not in self._asked]

    def know(self, expected: Mapping[str, float | None]) -> None:
        """Take how long steps are expected to take."""
        self._asked |= expected

    @classmethod
    def of_plan(
        cls, plan: Plan, waiting: Collection[str], expected: Expected, at_once: int, alone: Callable[[Step], bool]
    ) -> RunState:
        """Return what is known of a plan's steps before any of them begins."""
        shapes = {
            id_: Shape(f"{step.entry} {step.work.get('modality', '')}", step.needs, alone(step))
            for id_, step in plan.steps.items()
        }
        return cls(shapes, {*waiting}, expected, at_once, time.monotonic())

    @classmethod
    def of_alike(cls, steps: Collection[str], at_once: int) -> RunState:
        """Return what is known of steps that do not need one another, before any of them begins."""
        shapes = dict.fromkeys(steps, Shape("", (), alone=False))
        return cls(shapes, {*steps}, lambda _: None, at_once, time.monotonic())

    def start(self, step: str, now: float, together: int = 1) -> None:
        """A step begins, as one of so many that are done as one."""
        self.waiting.discard(step)
        self.held.pop(step, None)
        expected = self._expected(step)
        self.running[step] = Running(now, None if expected is None else expected * together, together)

    def end(self, step: str, seconds: float | None, *, failed: bool = False) -> None:
        """A step ended, or needs not be done; `seconds` are what it took, if it was done here."""
        self.ended += 1
        self.failed += failed
        self.waiting.discard(step)
        self.held.pop(step, None)
        self.running.pop(step, None)
        if seconds is not None:
            self._measured.add(self.shapes[step].group, seconds, self._asked.get(step))

    def requeue(self, step: str) -> None:
        """A step that ran waits again."""
        self.running.pop(step, None)
        self.waiting.add(step)

    def hold(self, step: str, owner: str) -> None:
        """Another process is doing a step."""
        self.held[step] = owner

    def await_steps(self, steps: Collection[str]) -> None:
        """Take which steps wait now, where these became more, or fewer."""
        self.waiting = {*steps}
        self.held = {step: owner for step, owner in self.held.items() if step in self.waiting}

    def left(self, now: float) -> RunLeft:
        """Estimate how long all takes still; made anew now and then, and counted down meanwhile."""
        if self._left is None or now >= self._next:
            began = time.perf_counter()
            self._left = now, self._estimate(now)
            self._next = now + max(1.0, (time.perf_counter() - began) * _SPARED)
        at, found = self._left
        return RunLeft(max(found.seconds - (now - at), 0.0), found.unknown)

    def left_in_words(self, now: float) -> str:
        """Say how long all takes still; empty where that is known of less than half of the steps."""
        left = self.left(now)
        if not left.seconds or 2 * left.unknown > len(self.running) + len(self.waiting):
            return ""
        return f"{'more than ' if left.unknown else 'about '}{left_text(left.seconds)} left in all"

    def words(self) -> str:
        """Count the steps: how many are done, and how many wait."""
        waiting = len(self.waiting) - len(self.held)
        parts = [f"{self.ended:,} of {counted(self.total, 'step')}", f"{waiting:,} to come" if waiting else ""]
        return ", ".join(filter(None, [*parts, f"{self.failed:,} failed" if self.failed else ""]))

    def _estimate(self, now: float) -> RunLeft:
        steps = {}
        for id_, shape in self.shapes.items():
            if (running := self.running.get(id_)) is not None:
                seconds = running.left(now)
                seconds = None if seconds is None else seconds / running.together
            elif id_ in self.waiting:
                seconds = self._expected(id_)
            else:
                continue
            steps[id_] = StepLeft(seconds, shape.group, shape.needs, shape.alone)
        return left_of_run(steps, self.at_once)

    def _expected(self, step: str) -> float | None:
        if step not in self._asked:
            self._asked[step] = self.expected(step)
        return self._measured.corrected(self.shapes[step].group, self._asked[step])
