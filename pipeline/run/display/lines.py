"""How a run shows its progress in plain lines on standard error: for a pipe, a file, a terminal that cannot draw."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Mapping
from typing import Self

from pipeline.run.display.run_state import RunState
from pipeline.run.display.running import left_text
from pipeline.run.messages import StepProgress

_LINE_EVERY_S = 15.0


class Display:
    """Shows steps as they start, advance and end, in plain lines; a context manager."""

    def __init__(self, state: RunState) -> None:
        self.state = state
        self._last_line: dict[str, float] = {}
        self._last_left = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def start(self, step: str, together: int = 1) -> None:
        """A step begins, as one of so many that are done as one."""
        self.state.start(step, time.monotonic(), together)
        self._last_line[step] = time.monotonic()

    def advance(self, step: str, progress: StepProgress) -> None:
        """A step got so far; called often, shown now and then."""
        self.state.running[step].add(now := time.monotonic(), progress)
        if now - self._last_line[step] >= _LINE_EVERY_S:
            self._last_line[step] = now
            running = self.state.running[step]
            left = running.left(now)
            parts = [running.far, running.speed(now), running.detail, f"{left_text(left)} left" if left else ""]
            self.note(step, ", ".join(filter(None, parts)))

    def report(self, step: str, done: int, total: int, what: str, counts: Mapping[str, float] = {}, /) -> None:
        """As `advance`, for a stage's `Progress`."""
        self.advance(step, StepProgress(done, total, what, dict(counts)))

    def end(self, step: str, line: str, seconds: float | None = None, *, failed: bool = False) -> None:
        """A step ended, or one that was never started needs not be; `seconds` are what it took, if it was done here."""
        self.state.end(step, seconds, failed=failed)
        self._print_end(step, line, failed=failed)

    def requeue(self, step: str, line: str) -> None:
        """A step that was started waits again; the line says why, where it is not empty."""
        self.state.requeue(step)
        if line:
            self.note(step, line)

    def hold(self, step: str, owner: str, *, waits: bool) -> None:
        """Another process is doing a step, for which the run waits, or which it leaves to that."""
        self.state.hold(step, owner)
        then = "this run waits for it, and does other steps meanwhile" if waits else "it is left to that"
        self.note(step, f"is being done by {owner}; {then}")

    def note(self, who: str, line: str) -> None:
        """Show a message about a step, or a worker, that goes on."""
        print(f"        {who}: {line}", file=sys.stderr, flush=True)

    def await_steps(self, steps: Collection[str]) -> None:
        """Take which steps wait now, where these became more, or fewer."""
        self.state.await_steps(steps)

    def _print_end(self, step: str, line: str, *, failed: bool) -> None:
        left, now = "", time.monotonic()
        if not failed and now - self._last_left >= _LINE_EVERY_S:
            self._last_left = now
            left = f"; {words}" if (words := self.state.left_in_words(now)) else ""
        state = self.state
        print(f"{state.ended:3d}/{state.total} {step}: {line}{left}", file=sys.stderr, flush=True)
