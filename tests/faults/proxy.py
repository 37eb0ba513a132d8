"""A TCP proxy on loopback that forwards to a service and disturbs what it is told to."""

from __future__ import annotations

import re
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

_REQUEST = re.compile(rb"(GET|HEAD|PUT|POST|DELETE) /")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")
_RESET = struct.pack("ii", 1, 0)  # close at once, unsent bytes dropped: the other side sees a reset

KINDS = (
    "refused",  # the connection is reset, and others that come in that time too
    "request cut",
    "request stalled",
    "answer cut",  # what was asked for was done
    "answer truncated",  # the same, but the connection ends in order
    "answer stalled",
    "500",
    "503",
)
HOSTILE = (
    "flood",  # 300 MiB, whatever was asked for
    "drip",  # a byte now and then, of as much
    "endless",  # pieces without end
    "lie",  # other bytes than the object's, of another length than was asked for
    "redirect",  # to `Proxy.elsewhere`, where nobody must bring credentials
)
_PIECE = bytes(1 << 16)


@dataclass(frozen=True)
class Fault:
    """What is done to which request.

    Attributes
    ----------
    kind : str
        Of `KINDS`.
    request : int
        The first request that it is done to, counted from 1 over all connections.
    share : float
        After which share of the request's or answer's bytes.
    lasts_s : float
        For how long it is done to all requests from then on; 0: to this one alone.
    """

    kind: str
    request: int
    share: float = 0.5
    lasts_s: float = 0.0


class Proxy:
    """Forwards connections to a port until it is closed; counts requests and how many it disturbed."""

    def __init__(self, port: int, fault: Fault | None = None) -> None:
        self.requests = self.disturbed = 0
        self.elsewhere = ""  # the URL that redirections lead to
        self._to, self._fault, self._until = port, fault, 0.0
        self._guard, self._closed = Lock(), Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                Thread(target=self._serve, args=(self._listening.accept()[0],), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        if self._fault and self._fault.kind == "refused" and time.monotonic() < self._until:
            _reset(client)
            return
        with suppress(OSError):
            server = socket.create_connection(("127.0.0.1", self._to))
            _Connection(self, client, server).forward()

    def next(self, request: bytes) -> Fault | None:
        """Count a request, and return what is to be done to it; only reading is answered with lies."""
        with self._guard:
            self.requests += 1
            fault = self._fault
            if fault is None or (fault.kind in HOSTILE and not request.startswith(b"GET")):
                return None
            is_first = self.requests >= fault.request and not self.disturbed
            if not is_first and time.monotonic() >= self._until:
                return None
            if is_first:
                self._until = time.monotonic() + fault.lasts_s
            self.disturbed += 1
            return fault

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    def hold(self, client: socket.socket) -> None:
        """Say nothing until the client goes."""
        client.settimeout(0.2)
        while not self._closed.is_set():
            try:
                if not client.recv(1 << 16):
                    return
            except TimeoutError:
                continue


class Listener:
    """A host that nobody named: refuses everything, and remembers what was brought there."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.2", 0))
        self.url = f"http://127.0.0.2:{self._listening.getsockname()[1]}"
        self._heard: list[bytes] = []
        Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.close()

    def credentials(self) -> list[bytes]:
        """Return what came with a request that only the named host may know."""
        secret = re.compile(rb"(?i)^(authorization|x-amz-security-token):.*", re.MULTILINE)
        return [found[0] for head in self._heard for found in secret.finditer(head)]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listening.accept()[0]
                with suppress(OSError), client:
                    self._heard.append(client.recv(1 << 16))
                    client.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


class _Connection:
    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._fault: Fault | None = None
        self._bodiless = False  # the answer to HEAD tells of bytes that do not come
        self._answered = False  # in part

    def forward(self) -> None:
        Thread(target=self._down, daemon=True).start()
        try:
            self._up()
        except OSError:
            self._reset()
        finally:
            with suppress(OSError):
                self._server.shutdown(socket.SHUT_WR)

    def _up(self) -> None:
        left = None  # bytes that still go through
        while data := self._client.recv(1 << 16):
            if _REQUEST.match(data):
                self._bodiless, self._answered = data.startswith(b"HEAD"), False
                fault = self._fault = self._proxy.next(data)
                if fault and fault.kind == "refused":
                    return self._reset()
                if fault and fault.kind in ("500", "503"):
                    return self._answer(fault.kind.encode())
                if fault and fault.kind in HOSTILE:
                    return self._deceive(fault.kind)
                if fault and fault.kind.startswith("request"):
                    left = int(fault.share * _bytes_of(data))
            if left is not None and left <= len(data):
                self._server.sendall(data[:left])
                if self._fault and self._fault.kind == "request stalled":
                    self._proxy.hold(self._client)
                return self._reset()
            left = None if left is None else left - len(data)
            self._server.sendall(data)
        return None

    def _down(self) -> None:
        left = None
        with suppress(OSError):
            while data := self._server.recv(1 << 16):
                fault = self._fault
                if fault and fault.kind.startswith("answer") and not self._answered:
                    self._answered = True
                    left = int(fault.share * (_head_of(data) if self._bodiless else _bytes_of(data)))
                if left is not None and fault and left <= len(data):
                    self._client.sendall(data[:left])
                    if fault.kind == "answer stalled":
                        self._proxy.hold(self._client)
                    if fault.kind == "answer truncated":
                        self._client.shutdown(socket.SHUT_RDWR)
                    return self._reset()
                left = None if left is None else left - len(data)
                self._client.sendall(data)
        with suppress(OSError):
            self._client.shutdown(socket.SHUT_WR)
        return None

    def _deceive(self, kind: str) -> None:
        """Answer in the service's place until the client goes."""
        if kind == "redirect":
            head = f"307 Temporary Redirect\r\nLocation: {self._proxy.elsewhere}/there\r\nContent-Length: 0"
        elif kind == "endless":
            head = "200 OK\r\nTransfer-Encoding: chunked"
        else:
            head = f"200 OK\r\nContent-Length: {len(_PIECE) // 2 if kind == 'lie' else 300 << 20}"
        facts = 'ETag: "lie"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT'
        self._client.sendall(f"HTTP/1.1 {head}\r\n{facts}\r\nConnection: close\r\n\r\n".encode())
        if kind == "lie":
            self._client.sendall(_PIECE[: len(_PIECE) // 2])
        elif kind == "flood":
            for _ in range((300 << 20) // len(_PIECE)):
                self._client.sendall(_PIECE)
        while kind in ("drip", "endless") and not self._proxy.closed:
            self._client.sendall(b"0" if kind == "drip" else b"4\r\n\0\0\0\0\r\n")
            time.sleep(0.05)

    def _answer(self, code: bytes) -> None:
        self._client.sendall(b"HTTP/1.1 " + code + b" No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self._client.shutdown(socket.SHUT_WR)
        self._client.settimeout(0.5)
        with suppress(TimeoutError):
            while self._client.recv(1 << 16):
                continue
        self._reset()

    def _reset(self) -> None:
        _reset(self._client)
        _reset(self._server)


def _head_of(data: bytes) -> int:
    return data.find(b"\r\n\r\n") + 4


def _bytes_of(data: bytes) -> int:
    """Return how long a request or answer is, by its head."""
    found = _LENGTH.search(data[: _head_of(data)])
    return _head_of(data) + (int(found[1]) if found else 0)


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
