"""How a run shows its progress on standard error: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Self

from pipeline.terminal import drawing, harmless

_LINE_EVERY_S = 15.0


class Display:
    """Shows steps as they start, advance and end, in plain lines; a context manager."""

    def __init__(self, steps: int) -> None:
        self._total = steps
        self._ended = 0
        self._last_line: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def start(self, step: str) -> None:
        """A step begins."""
        self._last_line[step] = time.monotonic()

    def advance(self, step: str, done: int, total: int, what: str) -> None:
        """A step is `done` of `total`; called often, shown now and then."""
        if time.monotonic() - self._last_line[step] >= _LINE_EVERY_S:
            self._last_line[step] = time.monotonic()
            print(f"        {step}: {done} of {total} {what}", file=sys.stderr, flush=True)

    def end(self, step: str, line: str) -> None:
        """A step ended, or one that was never started needs not be."""
        self._ended += 1
        print(f"{self._ended:3d}/{self._total} {step}: {line}", file=sys.stderr, flush=True)

    def requeue(self, step: str, line: str) -> None:
        """A step that was started waits again; the line says why, where it is not empty."""
        if line:
            self.note(step, line)

    def note(self, who: str, line: str) -> None:
        """Show a message about a step, or a worker, that goes on."""
        print(f"        {who}: {line}", file=sys.stderr, flush=True)

    def extend_total(self, steps: int) -> None:
        """Count further steps, or fewer where negative."""
        self._total += steps


class BarDisplay(Display):
    """Shows a bar for each running step, and one for all."""

    def __init__(self, steps: int) -> None:
        from rich.console import Console  # slow to import
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

        super().__init__(steps)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[what]}"),
            TimeElapsedColumn(),
            console=Console(file=drawing(sys.stderr)),
        )
        self._all = self._bars.add_task("all", total=steps, what="steps")
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._bars.stop()

    def start(self, step: str) -> None:
        """Add a bar."""
        self._tasks[step] = self._bars.add_task(_plain(step), total=None, what="")

    def advance(self, step: str, done: int, total: int, what: str) -> None:
        """Move a step's bar."""
        self._bars.update(self._tasks[step], completed=done, total=total, what=what)

    def end(self, step: str, line: str) -> None:
        """Replace a step's bar by a line."""
        self.requeue(step, line)
        self._bars.advance(self._all)

    def requeue(self, step: str, line: str) -> None:
        """Remove a step's bar."""
        task = self._tasks.pop(step, None)
        if task is not None:
            self._bars.remove_task(task)
        super().requeue(step, line)

    def note(self, who: str, line: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(f"{_plain(who)}: {_plain(line)}", highlight=False)

    def extend_total(self, steps: int) -> None:
        """Resize the bar for all."""
        super().extend_total(steps)
        self._bars.update(self._all, total=self._total)


def make_display(steps: int) -> Display:
    """Choose a display for standard error."""
    return BarDisplay(steps) if sys.stderr.isatty() else Display(steps)


def _plain(text: str) -> str:
    """Escape what a terminal, or rich's markup, would take for a command."""
    return harmless(text).replace("[", "\\[")
