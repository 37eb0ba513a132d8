"""A service that answers too much, too slowly or for ever: bounded in memory and in time, and then it is away."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from store import Store
from store.backends.urls import open_backend
from store.errors import StoreError
from store.remotes import StoreChain

from .lying_server import Answer, LyingServer, drip, flood, reply

REPOSITORY = str(Path(__file__).parents[4])
MANY = 1500
MOST = 250  # MiB of a process that has read little


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A function that serves with an answer, as the S3 of this process's environment."""
    servers: list[LyingServer] = []

    def serve(answer: Answer) -> LyingServer:
        servers.append(LyingServer(answer).__enter__())
        monkeypatch.setenv("AWS_ENDPOINT_URL", servers[-1].endpoint)
        return servers[-1]

    for name, value in {
        "AWS_ACCESS_KEY_ID": "test-key",
        "AWS_SECRET_ACCESS_KEY": "test-secret-that-nobody-prints",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
        "PIPELINE_TIMEOUT_SECONDS": "0.4",
    }.items():
        monkeypatch.setenv(name, value)
    yield serve
    for each in servers:
        each.__exit__()


def refused(action: Any) -> str:
    began = time.monotonic()
    with pytest.raises(StoreError) as error:
        action()
    assert time.monotonic() - began < 20  # of which 1.6 s are its due
    return str(error.value)


def too_much(request: BaseHTTPRequestHandler) -> None:
    """Answer a ranged read with 1500 MiB, which are said to be what was asked for."""
    asked = request.headers.get("Range")
    if asked:
        first, last = map(int, asked.removeprefix("bytes=").split("-"))
        reply(request, status=206, length=MANY << 20, Content_Range=f"bytes {first}-{last}/{last + 1}")
    else:
        reply(request, length=MANY << 20)
    flood(request, MANY)


@pytest.mark.parametrize(
    "read",
    [
        "open_backend('s3://bucket/x').read('a', 0, 14_000)",
        "open_backend('s3://bucket/x').read('a', 14_000, 28_000)",
        "Store.open('s3://bucket/x')",
        "Store.open('s3://bucket/x').manifest('encode', 'k')",
        "open_backend('s3://bucket/x').lock('a', 'it').__enter__()",
    ],
)
def test_too_much_is_not_taken_in(service: Any, read: str) -> None:
    """The memory of a process of its own is measured, with obstore's in it."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.command == "PUT":
            reply(request, b"<Error><Code>PreconditionFailed</Code></Error>", 412)
        elif request.path.endswith("store.json") and "manifest" in read:
            reply(request, b'{"format":"harvest-store","version":1}')
        else:
            too_much(request)

    service(answer)
    code = f"""
import resource
from store import Store
from store.errors import StoreError
from store.backends.urls import open_backend
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    {read}
except StoreError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    *said, grown = done.stdout.splitlines()
    assert int(grown) < MOST, said
    assert said or "lock" in read


def test_too_much_is_told(service: Any) -> None:
    service(too_much)
    said = refused(lambda: open_backend("s3://bucket/x").read("a", 0, 14_000))
    assert said.startswith("cannot read s3://bucket/x/a: more than the 14,000 bytes that were asked for came")


def dripping(request: BaseHTTPRequestHandler) -> None:
    reply(request, length=10_000, x_amz_request_id="1")
    drip(request, bytes(10_000), 0.05)


@pytest.mark.parametrize(
    "action", ["read", "stream", "list_paths", "list_dir", "put_if_absent", "lock", "put", "delete_all"]
)
def test_a_service_that_drips_is_given_up(service: Any, action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_TIMEOUT_SECONDS", "0.15")
    if action in ("put_if_absent", "lock", "put"):  # of whose answer only the head matters
        service(lambda request: drip(request, b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 10_000, 0.05))
    else:
        service(dripping)
    backend = open_backend("s3://bucket/team")
    actions: dict[str, Any] = {
        "read": lambda: backend.read("a", 0, 9_000),
        "stream": lambda: list(backend.stream("a")),
        "list_paths": lambda: list(backend.list_paths("a")),
        "list_dir": lambda: backend.list_dir("a"),
        "put_if_absent": lambda: backend.put_if_absent("a", b"1"),
        "lock": lambda: backend.lock("a", "it").__enter__(),
        "put": lambda: backend.put("a", b"1"),
        "delete_all": lambda: backend.delete_all("a"),
    }
    assert refused(actions[action]).startswith("cannot ")


def page(*, more: str, keys: list[str], folders: list[str] = []) -> bytes:  # noqa: B006
    entry = (
        "<Contents><Key>{}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>a</ETag><Size>1</Size>"
        "</Contents>"
    )
    found = "".join(map(entry.format, keys))
    common = "".join(f"<CommonPrefixes><Prefix>{each}</Prefix></CommonPrefixes>" for each in folders)
    return (
        f"<ListBucketResult><Name>bucket</Name><KeyCount>{len(keys)}</KeyCount><IsTruncated>true</IsTruncated>"
        f"<NextContinuationToken>{more}</NextContinuationToken>{found}{common}</ListBucketResult>"
    ).encode()


@pytest.mark.parametrize("keys", [0, 1000])
@pytest.mark.parametrize("token", ["the same", "another"])
def test_a_listing_without_an_end_is_given_up(service: Any, keys: int, token: str) -> None:
    tokens = (token if token == "the same" else str(number) for number in count())
    names = [f"x/outputs/encode/{number:04d}" for number in range(keys)]
    service(lambda request: reply(request, page(more=next(tokens), keys=names)))
    said = refused(lambda: list(open_backend("s3://bucket/x").list_objects("outputs")))
    assert ("comes to no end: outputs/encode/0000 comes again" if keys else "too slow") in said
    said = refused(lambda: open_backend("s3://bucket/x").list_dir("outputs"))
    assert "too slow: it let us wait for more than 2 s" in said


def test_a_listing_of_ever_new_names_is_given_up(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.backends.object_store.requests.MAX_LISTED", 20_000)
    pages = count()

    def answer(request: BaseHTTPRequestHandler) -> None:
        number = next(pages)
        reply(request, page(more=str(number), keys=[f"x/outputs/{number:09d}-{each:04d}" for each in range(1000)]))

    service(answer)
    assert "the listing comes to no end" in refused(lambda: list(open_backend("s3://bucket/x").list_paths("outputs")))


def test_a_slow_line_is_not_given_up(service: Any) -> None:
    """What arrives in time earns more time: the whole takes longer than a request may be silent."""
    body = os.urandom(4 << 20)

    def answer(request: BaseHTTPRequestHandler) -> None:
        reply(request, length=len(body))
        for start in range(0, len(body), 1 << 18):
            request.wfile.write(body[start : start + (1 << 18)])
            time.sleep(0.15)

    service(answer)
    assert b"".join(map(bytes, open_backend("s3://bucket/x").stream("a"))) == body


def test_a_reader_that_takes_its_time_is_not_the_services_fault(service: Any) -> None:
    service(lambda request: reply(request, bytes(3 << 20)))
    found = open_backend("s3://bucket/x").stream("a")
    first = len(next(found))
    time.sleep(2)
    assert first + sum(len(piece) for piece in found) == 3 << 20


def test_a_remote_that_drips_is_away(service: Any, folder_store: Store) -> None:
    service(dripping)
    chain = StoreChain(folder_store, ["s3://bucket/x"])
    assert chain.locate([("encode", f"k{number}") for number in range(100)]) == {}
    assert list(chain.failures) == ["s3://bucket/x"]


def test_a_manifest_that_drips_makes_a_remote_away(service: Any, folder_store: Store) -> None:
    """The store itself answers well."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.path.endswith("store.json"):
            reply(request, b'{"format":"harvest-store","version":1}')
        elif request.command == "HEAD":
            reply(request, bytes(10_000))
        else:
            dripping(request)

    service(answer)
    chain = StoreChain(folder_store, ["s3://bucket/x"])
    assert chain.output("encode", "k") is None
    assert "too slow" in chain.failures["s3://bucket/x"]
