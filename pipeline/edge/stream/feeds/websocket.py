"""Lines from WebSockets, which browsers and phones speak: each message has one or several whole lines."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Collection

from pipeline.edge.stream.feeds.address import bound, is_loopback
from pipeline.edge.stream.feeds.frames import (
    BINARY,
    CLOSE,
    LONGEST_HEAD,
    PING,
    TEXT,
    Broken,
    Frames,
    NoHandshake,
    accept,
    frame,
)

_CLIENTS = 32
_AT_ONCE = 1 << 16
_HANDSHAKE_SECONDS = 10


class WebSocketFeed:
    """What clients of a port send; several may, and come and go."""

    live = True
    ended = False

    def __init__(self, address: str, *, anywhere: bool = False) -> None:
        self._anywhere = anywhere
        self._listening = bound("--websocket", address, socket.SOCK_STREAM, anywhere=anywhere)
        self._listening.listen(_CLIENTS)
        self._clients: dict[int, _Client] = {}

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    def descriptors(self) -> Collection[int]:
        """See `Feed`."""
        return (self._listening.fileno(), *self._clients)

    def read(self, ready: Collection[int]) -> list[bytes]:
        """See `Feed`."""
        lines: list[bytes] = []
        for descriptor in [each for each in ready if each in self._clients]:
            client = self._clients[descriptor]
            lines += client.read()
            if client.gone:
                del self._clients[descriptor]
        if self._listening.fileno() in ready:
            self._welcome()
        return lines

    def _welcome(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listening.accept()
            self._make_room()
            if len(self._clients) >= _CLIENTS:
                connection.close()
                return
            connection.setblocking(False)
            self._clients[connection.fileno()] = _Client(connection, self._anywhere)

    def _make_room(self) -> None:
        """Let go of those that said nothing since they came."""
        for descriptor, client in list(self._clients.items()):
            if client.silent:
                client.close()
                del self._clients[descriptor]

    def close(self) -> None:
        """See `Feed`."""
        for client in self._clients.values():
            client.close(1001)
        self._listening.close()


class _Client:
    """One connection: a handshake, then messages."""

    def __init__(self, connection: socket.socket, anywhere: bool) -> None:
        self._connection = connection
        self._anywhere = anywhere
        self._head = b""
        self._frames: Frames | None = None
        self._since = time.monotonic()
        self.gone = False

    @property
    def silent(self) -> bool:
        """Whether its handshake is overdue."""
        return self._frames is None and time.monotonic() - self._since > _HANDSHAKE_SECONDS

    def read(self) -> list[bytes]:
        """Return the lines that have come."""
        try:
            piece = self._connection.recv(_AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError:
            piece = b""
        if not piece:
            self.close()
            return []
        try:
            return self._lines(piece if self._frames else self._shake_hands(piece))
        except NoHandshake as error:
            self._send(f"HTTP/1.1 {error.status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            self.close()
        except Broken as error:
            self.close(error.code)
        return []

    def _shake_hands(self, piece: bytes) -> bytes:
        """Answer the request when it is whole, and return what came after it."""
        self._head += piece
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if len(head) > LONGEST_HEAD:
            raise NoHandshake("431 Request Header Fields Too Large")
        if not end:
            return b""
        try:
            answer = accept(head, lambda host: self._anywhere or is_loopback(host))
        except ValueError:  # a host that is no host
            raise NoHandshake("400 Bad Request") from None
        self._frames, self._head = Frames(), b""
        self._send(answer)
        return rest

    def _lines(self, piece: bytes) -> list[bytes]:
        lines: list[bytes] = []
        for message in self._frames.add(piece) if self._frames and piece else ():
            if message.opcode in (TEXT, BINARY):
                lines += message.payload.split(b"\n")
            elif message.opcode == PING:
                self._send(frame(10, message.payload))
            elif message.opcode == CLOSE:
                self.close(1000)
                break
        return lines

    def _send(self, answer: bytes) -> None:
        """Send a few bytes; a client that takes none is let go of."""
        try:
            sent = self._connection.send(answer)
        except OSError:
            sent = 0
        if sent < len(answer):
            self.close()

    def close(self, code: int | None = None) -> None:
        """End it, and say why where the client is to know."""
        if self.gone:
            return
        self.gone = True
        if code is not None and self._frames:
            with contextlib.suppress(OSError):
                self._connection.send(frame(CLOSE, code.to_bytes(2, "big")))
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
        self._connection.close()
