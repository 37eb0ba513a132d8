"""nginx on loopback, serving a folder as plain files."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid {run}/nginx.pid;
error_log {run}/error.log;
events {{}}
http {{
    access_log {run}/access.log;
    client_body_temp_path {run}/body; proxy_temp_path {run}/proxy; fastcgi_temp_path {run}/fastcgi;
    uwsgi_temp_path {run}/uwsgi; scgi_temp_path {run}/scgi;
    server {{
        listen 127.0.0.1:{port}{tls};
        root {root};
        {more}
    }}
}}
"""


@contextmanager
def serve(root: Path, more: str = "", certificate: Path | None = None) -> Iterator[str]:
    """Serve a folder; yield its URL.

    Parameters
    ----------
    more : str
        Further lines of the server's configuration.
    certificate : Path, optional
        A file with a key and a certificate: serve https.
    """
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("needs nginx")
    with tempfile.TemporaryDirectory() as run:
        port = _free_port()
        if certificate:
            more += f"\nssl_certificate {certificate}; ssl_certificate_key {certificate};"
        user = "user root;" if os.getuid() == 0 else ""  # whose folders of tests nobody else may read
        configuration = Path(run, "nginx.conf")
        configuration.write_text(
            _CONFIGURATION.format(
                user=user, run=run, root=root, port=port, more=more, tls=" ssl" if certificate else ""
            )
        )
        process = subprocess.Popen([program, "-c", configuration, "-e", f"{run}/error.log"], start_new_session=True)
        try:
            _await(port, process)
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, "nginx ended before it listened"
        time.sleep(0.02)
    raise AssertionError("nginx does not listen")
