"""What a feed is: descriptors to wait for, and the lines that have come."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

LONGEST = 1 << 20  # bytes of a line


class Feed(Protocol):
    """Lines, as they come; nothing waits in it."""

    @property
    def live(self) -> bool:
        """Whether lines come at their own pace: a file does not."""
        ...

    @property
    def ended(self) -> bool:
        """Whether there will be no line any more."""
        ...

    def descriptors(self) -> Collection[int]:
        """What to wait for until it is ready to be read."""
        ...

    def read(self, ready: Collection[int]) -> list[bytes]:
        """Return the lines that are there; one that is longer than `LONGEST` comes cut, and is no sample then."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Lines:
    """Puts pieces of text together, and cuts them at newlines."""

    def __init__(self) -> None:
        self._begun = b""
        self._skipping = False

    def add(self, piece: bytes) -> list[bytes]:
        """Return the lines that this piece completes."""
        *whole, rest = (self._begun + piece).split(b"\n")
        if self._skipping and whole:
            del whole[0]
            self._skipping = False
        self._begun = b"" if self._skipping else rest
        if len(rest) > LONGEST:
            self._skipping, self._begun = True, b""
            whole.append(rest[:64])
        return whole

    def end(self) -> list[bytes]:
        """Return what came after the last newline."""
        rest, self._begun = self._begun, b""
        return [rest] if rest else []
