"""Lines from datagrams: each has one or several whole lines."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Collection

from pipeline.edge.stream.feeds.address import bound

_AT_ONCE = 256  # datagrams, so that what they say is decided meanwhile
_ROOM = 1 << 22  # bytes that the system shall keep while a model computes


class UdpFeed:
    """What comes to a port."""

    live = True
    ended = False

    def __init__(self, address: str, *, anywhere: bool = False) -> None:
        self._socket = bound("--udp", address, socket.SOCK_DGRAM, anywhere=anywhere)
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def descriptors(self) -> Collection[int]:
        """See `Feed`."""
        return (self._socket.fileno(),)

    def read(self, ready: Collection[int]) -> list[bytes]:
        """See `Feed`."""
        lines: list[bytes] = []
        if self._socket.fileno() in ready:
            with contextlib.suppress(BlockingIOError, ConnectionError):
                for _ in range(_AT_ONCE):
                    lines += self._socket.recv(65536).split(b"\n")
        return lines

    def close(self) -> None:
        """See `Feed`."""
        self._socket.close()
