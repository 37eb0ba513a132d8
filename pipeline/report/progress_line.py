"""How far a long look at a store or at raw data is: a line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time

from pipeline.terminal import drawing

_LINE_EVERY_S = 15.0


class ProgressLine:
    """Shows a text on standard error, from the second second on."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._next = time.monotonic() + (1.0 if self._terminal else _LINE_EVERY_S)
        self._width = 0

    def update(self, text: str) -> None:
        """Say how far it is, not more often than one can read."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (0.1 if self._terminal else _LINE_EVERY_S)
        if self._terminal:
            print(f"\r{text.ljust(self._width)}", end="", file=drawing(sys.stderr), flush=True)
            self._width = len(text)
        else:
            print(text, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._width:
            print(f"\r{' ' * self._width}\r", end="", file=drawing(sys.stderr), flush=True)
            self._width = 0
