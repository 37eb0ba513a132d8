"""A service on loopback that answers as a test tells it to: too much, too slowly, for ever, or with another address."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

Answer = Callable[[BaseHTTPRequestHandler], None]

FACTS = {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT", "ETag": '"a"'}


class LyingServer:
    """Serves HTTP with one function that answers every request; a context manager.

    Attributes
    ----------
    endpoint : str
    asked : list of (str, str, dict)
        Method, path and headers of every request so far.
    """

    def __init__(self, answer: Answer, host: str = "127.0.0.1") -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *arguments: object) -> None:
                pass

            def handle_one_request(self) -> None:
                with suppress(OSError):
                    super().handle_one_request()
                    return
                self.close_connection = True

            def _any(self) -> None:
                asked.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _any  # noqa: N815

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://{host}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def reply(
    request: BaseHTTPRequestHandler, body: bytes = b"", status: int = 200, length: int | None = None, **headers: str
) -> None:
    """Send an answer; `length` is what it says of its own length."""
    request.send_response(status)
    told = {**FACTS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    for name, value in told.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body) if length is None else length))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def flood(request: BaseHTTPRequestHandler, mebibytes: int) -> None:
    """Send so many MiB to whoever takes them."""
    for _ in range(mebibytes):
        request.wfile.write(bytes(1 << 20))


def drip(request: BaseHTTPRequestHandler, body: bytes, every_s: float) -> None:
    """Send a byte now and then."""
    for byte in body:
        request.wfile.write(bytes([byte]))
        request.wfile.flush()
        time.sleep(every_s)
