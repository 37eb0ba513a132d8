"""How a run shows itself: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from pipeline.terminal import drawing, harmless

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_LINE_EVERY_S = 15.0


class Display(Protocol):
    """Shows steps as they start, go on and end; a context manager."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def start(self, step: str) -> None: ...
    def advance(self, step: str, done: int, total: int, what: str) -> None: ...
    def end(self, step: str, line: str) -> None: ...
    def put_back(self, step: str, line: str) -> None:
        """Show why a step that was started waits again."""
        ...

    def note(self, who: str, line: str) -> None:
        """Show something about a step, or a worker, that goes on."""
        ...

    def more(self, steps: int) -> None:
        """Count steps that were not expected."""
        ...


def make_display(steps: int) -> Display:
    """Choose a display for standard error."""
    return _Terminal(steps) if sys.stderr.isatty() else _Lines(steps)


class _Lines:
    """One line when a step ends, and now and then while it runs."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._ended = 0
        self._last: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def start(self, step: str) -> None:
        self._last[step] = time.monotonic()

    def advance(self, step: str, done: int, total: int, what: str) -> None:
        if time.monotonic() - self._last[step] >= _LINE_EVERY_S:
            self._last[step] = time.monotonic()
            print(f"        {step}: {done} of {total} {what}", file=sys.stderr, flush=True)

    def end(self, step: str, line: str) -> None:
        self._ended += 1
        print(f"{self._ended:3d}/{self._steps} {step}: {line}", file=sys.stderr, flush=True)

    def more(self, steps: int) -> None:
        self._steps += steps

    def put_back(self, step: str, line: str) -> None:
        if line:
            self.note(step, line)

    def note(self, who: str, line: str) -> None:
        print(f"        {who}: {line}", file=sys.stderr, flush=True)


class _Terminal:
    """A bar for each running step, and one for all."""

    def __init__(self, steps: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._bars: Bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[what]}"),
            TimeElapsedColumn(),
            console=Console(file=drawing(sys.stderr)),
        )
        self._steps = steps
        self._all = self._bars.add_task("all", total=steps, what="steps")
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def start(self, step: str) -> None:
        self._tasks[step] = self._bars.add_task(_plain(step), total=None, what="")

    def advance(self, step: str, done: int, total: int, what: str) -> None:
        self._bars.update(self._tasks[step], completed=done, total=total, what=what)

    def end(self, step: str, line: str) -> None:
        self.put_back(step, line)
        self._bars.advance(self._all)

    def more(self, steps: int) -> None:
        self._steps += steps
        self._bars.update(self._all, total=self._steps)

    def put_back(self, step: str, line: str) -> None:
        task = self._tasks.pop(step, None)
        if task is not None:
            self._bars.remove_task(task)
        if line:
            self.note(step, line)

    def note(self, who: str, line: str) -> None:
        self._bars.console.print(f"{_plain(who)}: {_plain(line)}", highlight=False)


def _plain(text: str) -> str:
    return harmless(text).replace("[", "\\[")
