"""Real servers on loopback: S3 as moto serves it, Azure's blobs as Azurite does; obstore speaks HTTP to them.

Each server ends when the pipe at its standard input closes, so none outlives a session that was killed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

_HERE = Path(__file__).parent
_NODE = _HERE / "node"
_BUCKET = "bucket"
_ACCOUNT = "harvest"
_LISTENING = re.compile(r"(?:^|listens on http://127\.0\.0\.1:)(\d+)$")


@dataclass(frozen=True)
class Service:
    """An object store that listens on loopback.

    Attributes
    ----------
    endpoint : str
        Where it listens, as ``http://127.0.0.1:PORT``.
    environment : dict
        What obstore reads to reach it; set in ``os.environ`` while the fixture lives.
    """

    scheme: str
    endpoint: str
    environment: dict[str, str]

    def url(self, name: str) -> str:
        """Return the URL of a store of this name."""
        return f"{self.scheme}://{_BUCKET}/{name}"


@pytest.fixture(scope="session")
def s3() -> Iterator[Service]:
    """An S3 server with one bucket; ``.url(NAME)`` is a store in it."""
    with _served([sys.executable, str(_HERE / "s3_server.py")], dict(os.environ)) as port:
        endpoint = f"http://127.0.0.1:{port}"
        environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "test-key",
            "AWS_SECRET_ACCESS_KEY": "test-secret-that-nobody-prints",
            "AWS_REGION": "us-east-1",
        }
        _answer(Request(f"{endpoint}/{_BUCKET}", method="PUT"))
        with _environment(environment):
            yield Service("s3", endpoint, environment)


@pytest.fixture(scope="session")
def azure() -> Iterator[Service]:
    """An Azure blob server with one container; ``.url(NAME)`` is a store in it."""
    node = shutil.which("node")
    if node is None or not (_NODE / "node_modules" / "azurite").is_dir():
        pytest.skip("needs node, and azurite from npm: run `make tests/node/node_modules/.installed`")
    secret = base64.b64encode(b"a test's key that nobody prints.").decode()
    accounts = {"AZURITE_ACCOUNTS": f"{_ACCOUNT}:{secret}"}
    with _served([node, str(_NODE / "azure_server.cjs")], {**os.environ, **accounts}) as port:
        endpoint = f"http://127.0.0.1:{port}"
        environment = {
            "AZURE_STORAGE_ENDPOINT": f"{endpoint}/{_ACCOUNT}",
            "AZURE_ALLOW_HTTP": "true",
            "AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": secret,
        }
        _answer(_create_container(endpoint, secret))
        with _environment(environment):
            yield Service("az", endpoint, environment)


@contextmanager
def _served(command: list[str], environment: dict[str, str]) -> Iterator[int]:
    """Run a server that prints its port at the end of a line, and end it with the block."""
    # a session of its own: Ctrl-C at the tests must not take the server from tests that are still ending
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield _port(process.stdout, command)
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _port(said: Iterator[str], command: list[str]) -> int:
    for line in said:
        if found := _LISTENING.search(line):
            return int(found[1])
    raise RuntimeError(f"{' '.join(command)} ended before it listened")


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


def _answer(request: Request) -> None:
    with urlopen(request, timeout=30) as answer:
        assert answer.status in (200, 201)


def _create_container(endpoint: str, secret: str) -> Request:
    """Sign Azure's request for a new container, the one thing that obstore does not ask for."""
    date = formatdate(usegmt=True)
    headers = {"x-ms-date": date, "x-ms-version": "2023-11-03"}
    signed = ["PUT", *[""] * 11, *(f"{name}:{value}" for name, value in headers.items())]
    signed += [f"/{_ACCOUNT}/{_ACCOUNT}/{_BUCKET}", "restype:container"]
    seal = hmac.new(base64.b64decode(secret), "\n".join(signed).encode(), hashlib.sha256)
    headers["Authorization"] = f"SharedKey {_ACCOUNT}:{base64.b64encode(seal.digest()).decode()}"
    return Request(f"{endpoint}/{_ACCOUNT}/{_BUCKET}?restype=container", method="PUT", headers=headers)
