"""An address to listen at: of this machine alone, unless anybody is to be heard."""

from __future__ import annotations

import contextlib
import ipaddress
import socket

from pipeline.errors import ConfigError


def is_loopback(host: str) -> bool:
    """Tell whether a name or number is this machine's own."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(name).is_loopback
    return False


def bound(option: str, text: str, kind: socket.SocketKind, *, anywhere: bool) -> socket.socket:
    """Return a socket at HOST:PORT that does not block; ConfigError where it cannot or may not be."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ConfigError(f"{option} {text}: give HOST:PORT, for example 127.0.0.1:9000")
    if not anywhere and not is_loopback(host):
        raise ConfigError(
            f"{option} {text}: others could send to it\n  give 127.0.0.1, or say --listen-anywhere where that is meant"
        )
    try:
        family, _, _, _, address = socket.getaddrinfo(host, int(port), type=kind)[0]
        listening = socket.socket(family, kind)
        try:
            if kind == socket.SOCK_STREAM:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise ConfigError(f"{option} {text}: {error.strerror}\n  choose another address or port") from None
    listening.setblocking(False)
    return listening
