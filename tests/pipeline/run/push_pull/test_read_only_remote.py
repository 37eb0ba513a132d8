"""A bucket that this user may read and not write: what is there is used, and nobody minds that it cannot be named."""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from pipeline.run import push_pull as sharing
from store import Store
from store.errors import NotPermitted

DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@contextmanager
def read_only(endpoint: str) -> Iterator[str]:
    """Forward what reads to a service, and refuse everything else as S3 does."""
    place = endpoint.removeprefix("http://")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            service = http.client.HTTPConnection(place, timeout=30)
            service.request(self.command, self.path, headers=dict(self.headers.items()))
            answer = service.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                    self.send_header(name, value)
            if answer.getheader("Content-Length") is None:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def refuse(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(403)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(DENIED)))
            self.end_headers()
            self.wfile.write(DENIED)

        do_GET = do_HEAD = forward  # noqa: N815
        do_PUT = do_POST = do_DELETE = refuse  # noqa: N815

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_is_pulled_from_and_cannot_be_pushed_to(
    finished: Any, s3: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = finished.copy(tmp_path / "mine")
    url = s3.url(os.urandom(8).hex())
    plan = project.plan()
    assert not sharing.push(plan, Store.open(url), sharing.named(plan.steps.values())).failed
    theirs = type(project)(tmp_path / "theirs").write({**_values(project), "remote": url})
    with read_only(s3.endpoint) as endpoint, monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        said = theirs.command("pull")
        assert "9 pulled" in said.stdout
        assert "note" not in said.stderr
        with pytest.raises(NotPermitted, match="cannot write"):
            Store.open(url).write_ref("mine.json", b"{}")
        assert "cannot" in theirs.command("push", code=1).stderr
    assert "mine.json" not in Store.open(url).refs()


def _values(project: Any) -> dict[str, Any]:
    import yaml

    values: dict[str, Any] = yaml.safe_load(project.file.read_text())
    return values
