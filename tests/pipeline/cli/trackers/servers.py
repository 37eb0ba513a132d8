"""Servers that are no MLflow servers, or bad ones: on loopback, in threads of this process."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What a server says to a request."""

    body: bytes = b"{}"
    status: int = 200
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What a server was asked, by its path without a query."""

    method: str
    path: str
    target: str
    body: bytes


Respond = Callable[[Request], Answer | None]  # None: the connection is closed without an answer


@contextmanager
def serving(respond: Respond) -> Iterator[str]:
    """Serve what a function answers, at the address that is given."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = respond(Request(self.command, urlsplit(self.path).path, self.path, body))
            if answer is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status)
            for name, value in {"Content-Type": answer.kind, **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PATCH = do_PUT = do  # noqa: N815 -- names of the base class

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def silent() -> Iterator[str]:
    """Listen, and say nothing to anybody."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def cutting(server: str, lost: Callable[[int], bool], arrives: bool, instead: Answer | None = None) -> Iterator[str]:
    """Stand before a server, and close the connection, or say something else, in place of some answers, counted from 0.

    Parameters
    ----------
    lost
        Tells whether the answer of this number is lost.
    arrives
        Whether a request whose answer is lost reaches the server.
    instead
        What is answered then.
    """
    count = 0

    def respond(request: Request) -> Answer | None:
        nonlocal count
        number, count = count, count + 1
        cut = lost(number)
        if cut and not arrives:
            return instead
        connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=20)
        connection.request(request.method, request.target, request.body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return instead if cut else Answer(body, answer.status)

    with serving(respond) as address:
        yield address


def forgetful(request: Request) -> Answer:
    """Answer as an MLflow server does that has one experiment, and keep nothing of what it is sent."""
    if request.path.endswith("/experiments/get-by-name"):
        name = request.target.partition("experiment_name=")[2].replace("%2F", "/")
        return Answer(json.dumps({"experiment": {"experiment_id": "1", "name": name}}).encode())
    if request.path.endswith("/runs/create"):
        return Answer(json.dumps({"run": {"info": {"run_id": "0" * 32, "status": "RUNNING"}}}).encode())
    return Answer()
