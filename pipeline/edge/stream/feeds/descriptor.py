"""Lines from standard input, a file, a named pipe or a serial device."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

from pipeline.edge.stream.feeds.feed import Lines
from pipeline.errors import ConfigError

_AT_ONCE = 1 << 16


class DescriptorFeed:
    """What an open descriptor gives; it is closed with the feed where `own`."""

    def __init__(self, descriptor: int, *, own: bool = False) -> None:
        self._descriptor = descriptor
        self._own = own
        self._lines = Lines()
        self.ended = False
        kind = os.fstat(descriptor).st_mode
        self.regular = stat.S_ISREG(kind)
        self.live = stat.S_ISCHR(kind) and not os.path.samestat(os.fstat(descriptor), os.stat(os.devnull))

    @classmethod
    def open(cls, path: Path) -> DescriptorFeed:
        """Open a file or device; ConfigError where that fails."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOCTTY)
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise IsADirectoryError(21, "Is a directory")
        except OSError as error:
            raise ConfigError(f"--from {path}: {error.strerror}\n  name a file, a pipe or a device") from None
        return cls(descriptor, own=True)

    def descriptors(self) -> Collection[int]:
        """See `Feed`."""
        return () if self.ended else (self._descriptor,)

    def read(self, ready: Collection[int]) -> list[bytes]:
        """See `Feed`."""
        if self._descriptor not in ready:
            return []
        try:
            piece = os.read(self._descriptor, _AT_ONCE)
        except BlockingIOError:
            return []
        except OSError:  # a device that was pulled out
            piece = b""
        if piece:
            return self._lines.add(piece)
        self.ended = True
        return self._lines.end()

    def close(self) -> None:
        """See `Feed`."""
        if self._own:
            os.close(self._descriptor)
