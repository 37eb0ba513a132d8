"""Samples over WebSockets: Tornado's client, which knows the protocol by itself, and bytes that break it."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from pipeline.edge.stream.feeds.websocket import WebSocketFeed
from pipeline.errors import ConfigError

Lines = Callable[..., list[str]]


@pytest.fixture
def feed() -> WebSocketFeed:
    return WebSocketFeed("127.0.0.1:0")


def send(feed: WebSocketFeed, messages: list[str | bytes], **headers: str) -> None:
    """Connect, send and close in order."""

    async def client() -> None:
        request = HTTPRequest(f"ws://127.0.0.1:{feed.port}/samples", headers=headers)
        connection = await websocket_connect(request)
        for each in messages:
            await connection.write_message(each, binary=isinstance(each, bytes))
        connection.close()
        assert await connection.read_message() is None  # the server answers the close

    asyncio.run(client())


class Raw:
    """A client that sends what it wants."""

    def __init__(self, feed: WebSocketFeed, request: str | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", feed.port), timeout=20)
        self.socket.sendall(
            (
                request
                or "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        self.answer = self.socket.recv(4096)

    def frame(self, opcode: int, payload: bytes, final: bool = True, masked: bool = True) -> None:
        mask = os.urandom(4) if masked else b""
        length = len(payload)
        head = bytes([opcode | 0x80 * final])
        size = (
            bytes([length]) if length < 126
            else b"\x7e" + struct.pack(">H", length) if length < 65536
            else b"\x7f" + struct.pack(">Q", length)
        )  # fmt: skip
        size = bytes([size[0] | 0x80 * masked]) + size[1:]
        body = bytes(each ^ mask[i % 4] for i, each in enumerate(payload)) if masked else payload
        self.socket.sendall(head + size + mask + body)

    def rest(self) -> bytes:
        """What comes until the server closes."""
        received = b""
        try:
            while piece := self.socket.recv(4096):
                received += piece
        except ConnectionError:
            pass
        return received


@pytest.mark.parametrize("kind", ["text", "binary", "many lines a message", "a long message"])
def test_messages_are_lines(listening: Any, hear: Any, watch: Lines, feed: WebSocketFeed, kind: str) -> None:
    lines = watch(0, 6)
    expected = hear(lines, exact=True).decisions
    at_once = {"many lines a message": 9, "a long message": 300}.get(kind, 1)
    messages: list[Any] = ["\n".join(lines[i : i + at_once]) for i in range(0, len(lines), at_once)]
    with listening(feed) as heard:
        send(feed, [each.encode() for each in messages] if kind == "binary" else messages)
        heard.wait(lambda: len(heard.decisions) == len(expected))
    assert heard.decisions == expected


def test_the_handshake_is_that_of_the_standard(listening: Any, feed: WebSocketFeed) -> None:
    with listening(feed):
        assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in Raw(feed).answer  # RFC 6455, section 1.3


def test_a_message_in_parts_with_a_ping_between(listening: Any, hear: Any, watch: Lines, feed: WebSocketFeed) -> None:
    text = "\n".join(watch(0, 3)).encode()
    with listening(feed) as heard:
        client = Raw(feed)
        client.frame(1, text[:1000], final=False)
        client.frame(9, b"there?")
        client.frame(0, text[1000:1100], final=False)
        client.frame(0, text[1100:])
        assert client.socket.recv(100) == b"\x8a\x06there?"
        heard.wait(lambda: len(heard.decisions) == 4)
        client.frame(8, b"")
        assert client.rest() == b"\x88\x02\x03\xe8"
    assert heard.decisions == hear(watch(0, 3), exact=True).decisions


def test_several_sensors_each_with_a_connection(listening: Any, hear: Any, watch: Lines, body: Lines) -> None:
    feed = WebSocketFeed("127.0.0.1:0")
    with listening(feed, "watch", "body", patience=100.0) as heard:
        one, two = Raw(feed), Raw(feed)
        for i in range(6):
            one.frame(1, "\n".join(watch(i, i + 1)).encode())
            two.frame(1, "\n".join(body(i, i + 1)).encode())
        heard.wait(lambda: len(heard.decisions) == 10)
    lines = [each for i in range(6) for each in (*watch(i, i + 1), *body(i, i + 1))]
    assert heard.decisions == hear(lines, "watch", "body", exact=True, patience=100.0).decisions
    assert all(label for _, label, *_ in heard.decisions)


def test_one_that_breaks_off_leaves_the_others(listening: Any, watch: Lines, feed: WebSocketFeed) -> None:
    with listening(feed) as heard:
        broken, whole = Raw(feed), Raw(feed)
        broken.socket.sendall(b"\x81\xfe\x10\x00half")
        broken.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        broken.socket.close()  # with a reset
        whole.frame(1, "\n".join(watch(0, 3)).encode())
        heard.wait(lambda: len(heard.decisions) == 4)


@pytest.mark.parametrize(
    ("opcode", "payload", "options", "code"),
    [
        (1, b"watch,0,1,1", {"masked": False}, 1002),
        (3, b"", {}, 1002),
        (0, b"watch,0,1,1", {}, 1002),
        (9, b"x" * 126, {}, 1002),
        (9, b"", {"final": False}, 1002),
        (0x41, b"compressed?", {}, 1002),
        (1, b"x" * (1 << 20) + b"x", {}, 1009),
    ],
    ids=[
        "no mask",
        "an unknown kind",
        "goes on with nothing",
        "a long ping",
        "a ping in parts",
        "reserved",
        "too long",
    ],
)
def test_what_breaks_the_protocol_ends_the_connection(
    listening: Any, feed: WebSocketFeed, opcode: int, payload: bytes, options: dict[str, bool], code: int
) -> None:
    with listening(feed) as heard:
        client = Raw(feed)
        try:
            client.frame(opcode, payload, **options)
        except ConnectionError:  # it was closed before all was sent
            assert code == 1009
        else:
            received = client.rest()
            assert received == b"\x88\x02" + code.to_bytes(2, "big") or (code == 1009 and not received)
        assert heard.decisions == []
        Raw(feed)  # others are welcome


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"426"),
        ("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"405"),
        ("nonsense\r\n\r\n", b"405"),
        ("GET / HTTP/1.1\r\nHost: [\r\n\r\n", b"400"),
        ("GET / HTTP/1.1\r\n" + "X: y\r\n" * 3000 + "\r\n", b"431"),
    ],
    ids=["a page", "a post", "nonsense", "a broken host", "a long head"],
)
def test_what_is_no_websocket_is_answered(listening: Any, feed: WebSocketFeed, request_: str, status: bytes) -> None:
    with listening(feed):
        assert Raw(feed, request_).answer.startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("headers", [{"Origin": "https://example.com"}, {"Host": "example.com"}, {"Origin": "null"}])
def test_pages_of_others_may_not_send(listening: Any, feed: WebSocketFeed, headers: dict[str, str]) -> None:
    """A browser lets any page connect to this machine: the origin tells, and the host where a name was turned."""
    with listening(feed), pytest.raises(HTTPClientError, match="403"):
        send(feed, [], **headers)


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1", "https://[::1]:8000"])
def test_pages_of_this_machine_may(listening: Any, feed: WebSocketFeed, origin: str) -> None:
    with listening(feed):
        send(feed, ["hello"], Origin=origin)


def test_anybody_if_it_is_said(listening: Any) -> None:
    with pytest.raises(ConfigError, match=r"others could send to it\n  give 127.0.0.1, or say --listen-anywhere"):
        WebSocketFeed("0.0.0.0:0")
    feed = WebSocketFeed("0.0.0.0:0", anywhere=True)
    with listening(feed):
        send(feed, ["hello"], Origin="https://example.com")


def test_more_clients_than_there_is_room_for(listening: Any, feed: WebSocketFeed, watch: Lines) -> None:
    with listening(feed) as heard:
        clients = [Raw(feed) for _ in range(32)]
        turned_away = socket.create_connection(("127.0.0.1", feed.port), timeout=20)
        assert turned_away.recv(10) == b""
        clients[-1].frame(1, "\n".join(watch(0, 3)).encode())
        heard.wait(lambda: len(heard.decisions) == 4)
        clients[0].socket.close()
        clients[1].frame(1, b"still here")
        heard.wait(lambda: heard.tally.dropped.total() == 1)
        assert b"101" in Raw(feed).answer
