"""How a run shows its progress on a terminal: a table below what is printed, drawn anew twice a second."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from typing import Self

from pipeline.formatting import duration
from pipeline.run.display.frame import Row, frame
from pipeline.run.display.lines import Display
from pipeline.run.display.run_state import RunState
from pipeline.run.display.running import Running, left_text
from pipeline.run.messages import StepProgress
from pipeline.terminal import can_draw, drawing, harmless

_DRAWN_EVERY_S = 0.5


class LiveDisplay(Display):
    """Shows a table of what runs, how far and how fast, and how long it takes still; a context manager."""

    def __init__(self, state: RunState) -> None:
        from rich.console import Console  # slow to import
        from rich.live import Live

        super().__init__(state)
        self._console = Console(file=drawing(sys.stderr), highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True, vertical_overflow="crop")
        self._lock = threading.Lock()  # of the state: a thread of its own draws
        self._closed = threading.Event()
        self._drawing = threading.Thread(target=self._draw_on, daemon=True)
        self._drawn: list[str] = []

    def __enter__(self) -> Self:
        self._live.start()
        self._drawing.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._closed.set()
        self._drawing.join()
        self._live.stop()

    def start(self, step: str, together: int = 1) -> None:
        """Add a row."""
        with self._lock:
            super().start(step, together)

    def advance(self, step: str, progress: StepProgress) -> None:
        """Note how far a step is, for the next drawing."""
        with self._lock:
            self.state.running[step].add(time.monotonic(), progress)

    def end(self, step: str, line: str, seconds: float | None = None, *, failed: bool = False) -> None:
        """Replace a step's row by a line above the table."""
        with self._lock:
            super().end(step, line, seconds, failed=failed)

    def requeue(self, step: str, line: str) -> None:
        """Remove a step's row."""
        with self._lock:
            super().requeue(step, line)

    def hold(self, step: str, owner: str, *, waits: bool) -> None:
        """Show who is doing a step."""
        with self._lock:
            super().hold(step, owner, waits=waits)

    def note(self, who: str, line: str) -> None:
        """Print a line above the table."""
        self._print(who, line, "yellow")

    def await_steps(self, steps: Collection[str]) -> None:
        """Count more steps, or fewer."""
        with self._lock:
            super().await_steps(steps)

    def lines(self, width: int, height: int) -> list[str]:
        """Return the lines of the table as it is now."""
        with self._lock:
            unasked = self.state.unasked()
        expected = {step: self.state.expected(step) for step in unasked}  # reads the store: the run goes on meanwhile
        with self._lock:
            self.state.know(expected)
            now, state = time.monotonic(), self.state
            rows = [_row(id_, running, now) for id_, running in state.running.items()]
            rows += [Row(harmless(id_), "another run", detail=harmless(owner)) for id_, owner in state.held.items()]
            said = [state.words(), state.left_in_words(now), f"{duration(now - state.began)} so far"]
            return frame(rows, said, width, height)

    def _print_end(self, step: str, line: str, *, failed: bool) -> None:
        self._print(f"{self.state.ended:3d}/{self.state.total} {step}", line, "red" if failed else "green")

    def _print(self, who: str, line: str, colour: str) -> None:
        from rich.text import Text

        first, space, rest = harmless(line).partition(" ")
        self._console.print(Text.assemble(f"{harmless(who)}: ", (first, colour), space, rest))

    def _draw_on(self) -> None:
        from rich.text import Text

        while not self._closed.is_set():
            width, height = self._measure()
            lines = self.lines(width, height)
            self._erase_wrapped(width)
            self._live.update(Text("\n".join(lines), no_wrap=True, overflow="crop"), refresh=True)
            self._drawn = lines
            self._closed.wait(_DRAWN_EVERY_S)

    def _measure(self) -> tuple[int, int]:
        """Return the terminal's columns and lines as they are now, whatever COLUMNS said when the run began."""
        with suppress(OSError, ValueError):  # no terminal: as rich has it
            from rich.console import ConsoleDimensions

            size = os.get_terminal_size(sys.__stderr__.fileno())  # type: ignore[union-attr]
            if size.columns and size.lines:
                self._console.size = ConsoleDimensions(size.columns, size.lines)
        return self._console.size

    def _erase_wrapped(self, width: int) -> None:
        """Erase what a terminal that became narrower made of the lines: each may have become several."""
        from rich.control import Control
        from rich.segment import ControlType

        extra = sum(-(-len(line) // width) - 1 for line in self._drawn if line)
        if extra > 0:
            up = ((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))
            self._console.control(Control(ControlType.CARRIAGE_RETURN, *(up * extra)))


def make_display(state: RunState) -> Display:
    """Choose a display for standard error."""
    return LiveDisplay(state) if can_draw(sys.stderr) else Display(state)


def _row(step: str, running: Running, now: float) -> Row:
    return Row(
        harmless(step),
        harmless(running.short),
        harmless(running.speed(now)),
        left_text(running.left(now)),
        harmless(running.detail),
        running.share,
    )
