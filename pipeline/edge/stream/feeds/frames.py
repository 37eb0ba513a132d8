"""The bytes of the WebSocket protocol, RFC 6455, as a server reads and writes them: no input or output here."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
LONGEST_HEAD = 8192
LONGEST_MESSAGE = 1 << 20
_CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Broken(Exception):
    """A client does not keep to the protocol; `code` tells it so (section 7.4.1)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class NoHandshake(Exception):
    """A request is no WebSocket's, or one of a page that may not listen; `status` is what HTTP answers."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


def accept(head: bytes, allowed: Callable[[str], bool]) -> bytes:
    """Return the answer to a client's opening handshake (section 4.2).

    Parameters
    ----------
    head
        The request until its empty line.
    allowed
        Whether a host may be asked for, and a page of it may ask. Programs that are no browsers name no origin.
    """
    request, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    method, _, version = (*request.split(" "), "", "", "")[:3]
    if method != "GET" or not version.startswith("HTTP/1.1"):
        raise NoHandshake("405 Method Not Allowed")
    if not allowed(urlsplit(f"//{fields.get('host', '')}").hostname or ""):
        raise NoHandshake("403 Forbidden")
    if "origin" in fields and not allowed(urlsplit(fields["origin"]).hostname or ""):
        raise NoHandshake("403 Forbidden")
    if fields.get("upgrade", "").lower() != "websocket" or "upgrade" not in fields.get("connection", "").lower():
        raise NoHandshake("426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade")
    if fields.get("sec-websocket-version") != "13" or not fields.get("sec-websocket-key"):
        raise NoHandshake("426 Upgrade Required\r\nSec-WebSocket-Version: 13")
    key = base64.b64encode(hashlib.sha1(fields["sec-websocket-key"].encode("latin-1") + _MAGIC).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + key + b"\r\n\r\n"
    )


def frame(opcode: int, payload: bytes = b"") -> bytes:
    """Return a short frame of a server, which does not mask (section 5.2)."""
    return bytes([0x80 | opcode, len(payload)]) + payload


@dataclass
class Message:
    """A whole message, or a control frame."""

    opcode: int
    payload: bytes


class Frames:
    """Cuts a client's bytes into messages."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._begun: Message | None = None  # of which frames are to come

    def add(self, piece: bytes) -> list[Message]:
        """Return the messages that this piece completes; Broken where it is none."""
        self._bytes += piece
        messages = []
        while (found := self._next_frame()) is not None:
            if (message := self._joined(*found)) is not None:
                messages.append(message)
        return messages

    def _next_frame(self) -> tuple[bool, int, bytes] | None:
        """Take a frame off the front: whether it is a message's last, its opcode and its payload."""
        data = self._bytes
        if len(data) < 2:
            return None
        final, opcode, masked, length = bool(data[0] & 0x80), data[0] & 0x0F, data[1] & 0x80, data[1] & 0x7F
        if data[0] & 0x70 or not masked:
            raise Broken(1002, "reserved bits, or no mask")
        if opcode >= CLOSE and (length > 125 or not final):
            raise Broken(1002, "a control frame that is long or in parts")
        at = 2
        if length >= 126:
            at += 2 if length == 126 else 8
            if len(data) < at:
                return None
            length = int.from_bytes(data[2:at], "big")
        if length > LONGEST_MESSAGE:
            raise Broken(1009, "too long")
        if len(data) < at + 4 + length:
            return None
        mask, payload = bytes(data[at : at + 4]), bytes(data[at + 4 : at + 4 + length])
        del data[: at + 4 + length]
        return final, opcode, unmask(payload, mask)

    def _joined(self, final: bool, opcode: int, payload: bytes) -> Message | None:
        if opcode in (CLOSE, PING, PONG):
            return Message(opcode, payload)
        if opcode not in (_CONTINUED, TEXT, BINARY) or (opcode == _CONTINUED) != (self._begun is not None):
            raise Broken(1002, "a frame out of place")
        message = self._begun or Message(opcode, b"")
        message.payload += payload
        if len(message.payload) > LONGEST_MESSAGE:
            raise Broken(1009, "too long")
        self._begun = None if final else message
        return message if final else None


def unmask(payload: bytes, mask: bytes) -> bytes:
    """Undo, or do, a client's masking (section 5.3)."""
    repeated = (mask * (len(payload) // 4 + 1))[: len(payload)]
    length = len(payload)
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")
