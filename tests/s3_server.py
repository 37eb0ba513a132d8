"""moto's S3 server as a process that ends with whoever started it.

Run as ``python s3_server.py [PORT]`` with a pipe at its standard input; prints the port it listens at, and exits
when the pipe closes, which the system does for a starter killed in whatever way.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import sys
from collections.abc import Callable, Iterable
from threading import Lock, Thread
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def one_by_one(application: Application) -> Application:
    """Serve conditional writes one after the other.

    S3 decides them atomically; moto looks and then writes, so two threads could both create one object.
    """
    deciding = Lock()

    def serve(environment: dict[str, Any], respond: Any) -> Iterable[bytes]:
        if "HTTP_IF_NONE_MATCH" not in environment and "HTTP_IF_MATCH" not in environment:
            return application(environment, respond)
        with deciding:
            return application(environment, respond)

    return serve


def checking(application: Application) -> Application:
    """Refuse a body whose SHA-256 is not the one that was signed, as S3 does and moto does not; or is not signed."""

    def serve(environment: dict[str, Any], respond: Any) -> Iterable[bytes]:
        signed = environment.get("HTTP_X_AMZ_CONTENT_SHA256")
        if signed is not None and environment["REQUEST_METHOD"] in ("PUT", "POST"):
            body = environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0))
            environment["wsgi.input"] = io.BytesIO(body)
            if hashlib.sha256(body).hexdigest() != signed:
                respond("400 Bad Request", [("Content-Type", "application/xml")])
                return [b"<Error><Code>XAmzContentSHA256Mismatch</Code></Error>"]
        return application(environment, respond)

    return serve


def main(port: int) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for each request
    MotoRequestHandler.protocol_version = "HTTP/1.1"  # keeps connections, as S3 does
    application = checking(one_by_one(DomainDispatcherApplication(create_backend_app)))
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler)
    Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
