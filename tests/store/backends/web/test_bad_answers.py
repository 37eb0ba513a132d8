"""Whatever a web server answers that is not the file: one clear line, soon, and no word of what the server wrote."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from store import Store, StoreChain
from store.backends.urls import open_backend
from store.errors import NotPermitted, StoreError

from ..object_store.lying_server import Answer, LyingServer, drip, flood, reply

FORMAT = b'{"format":"harvest-store","version":1}'


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_TIMEOUT_SECONDS", "0.3")


def status(code: int) -> Answer:
    return lambda request: reply(request, b"<b>what the server wrote</b>", code, Content_Type="text/html")


def cut_off(request: BaseHTTPRequestHandler) -> None:
    reply(request, FORMAT[:9], length=len(FORMAT))
    request.connection.shutdown(socket.SHUT_RDWR)


def dripping(request: BaseHTTPRequestHandler) -> None:
    reply(request, length=1000)
    drip(request, bytes(1000), 0.05)


def silent(request: BaseHTTPRequestHandler) -> None:
    time.sleep(2)


def of_unknown_length(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    request.wfile.write(b"3\r\nabc\r\n0\r\n\r\n")


BAD: dict[str, tuple[Answer, str]] = {
    "a page to log in at": (
        lambda request: reply(request, b"<html>what the server wrote", Content_Type="text/html; charset=utf-8"),
        r"a web page came \(text/html\) instead of the file",
    ),
    "a page that does not say that it is one": (
        lambda request: reply(request, b"<html>what the server wrote"),
        "what came is no store's: .* login",
    ),
    "compressed": (
        lambda request: reply(request, gzip.compress(FORMAT), Content_Encoding="gzip"),
        r"it came compressed \(gzip\)",
    ),
    "endlessly redirected": (
        lambda request: reply(request, status=302, Location=request.path),
        "it redirects on and on",
    ),
    "redirected nowhere": (lambda request: reply(request, status=302), "no answer that can be understood"),
    "redirected to no web address": (
        lambda request: reply(request, status=301, Location="ftp://host/x"),
        "it redirects to an address that is not https://",
    ),
    "truncated": (cut_off, "it answers no request for a part of a file"),
    "slow": (dripping, r"too slow: .*PIPELINE_TIMEOUT_SECONDS"),
    "silent": (silent, r"no answer that can be understood \(Timeout\)"),
    "no HTTP": (lambda request: request.wfile.write(b"220 ftp\r\n\r\n"), "no answer that can be understood"),
    "without a length": (of_unknown_length, "it does not say how long its answer is"),
    "asking who you are": (status(401), r"it asks who you are \(401\)"),
    "too many requests": (status(429), "it answers 429 Too Many Requests"),
    "broken": (status(500), "it answers 500 Internal Server Error"),
    "gone": (status(410), "it answers 410 Gone"),
}


@pytest.mark.parametrize("name", [*BAD])
def test_it_ends_in_one_clear_line(name: str) -> None:
    answer, expected = BAD[name]
    with LyingServer(answer) as server:
        began = time.monotonic()
        with pytest.raises(StoreError, match=rf"^cannot read {server.endpoint}/x/store\.json: {expected}") as error:
            Store.open(f"{server.endpoint}/x")
        assert time.monotonic() - began < 10
        assert "\n" not in str(error.value)
        assert "what the server wrote" not in str(error.value)
        assert len(server.asked) < 20


def test_a_run_goes_on_without_it_and_a_refusal_is_told_from_an_absence(tmp_path: Path) -> None:
    """Of 403 nobody knows whether the object is there; 404 says that it is not."""
    local = Store.open(str(tmp_path))
    with LyingServer(status(403)) as hiding, LyingServer(status(404)) as empty:
        chain = StoreChain(local, [hiding.endpoint, empty.endpoint])
        assert chain.locate([("encode", "k")]) == {}
        assert list(chain.failures) == [hiding.endpoint]
        assert "it lets you not read this (403)" in chain.failures[hiding.endpoint]
        assert list(chain.absent) == [empty.endpoint]
        with pytest.raises(NotPermitted):
            Store.open(hiding.endpoint)


def test_a_site_that_shows_its_start_page_for_what_it_lacks_has_no_output(tmp_path: Path) -> None:
    """Neither an output that is there, nor one that is damaged: the remote cannot be used."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.path == "/store.json":
            reply(request, FORMAT, Content_Type="application/json")
        else:
            reply(request, b"<html>Welcome", Content_Type="text/html")

    with LyingServer(answer) as site:
        chain = StoreChain(Store.open(str(tmp_path)), [site.endpoint])
        assert chain.locate([("encode", "k")]) == {}
        assert "what is missing has to be answered with 404" in chain.failures[site.endpoint]


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda url: open_backend(url).read("a", 0, 14_000), None),
        (lambda url: open_backend(url).read("a", 14_000, 28_000), "more than the 14,000 bytes that were asked for"),
        (Store.open, "what came is no store.s"),
    ],
)
def test_no_more_is_taken_than_was_asked_for(read: Callable[[str], Any], said: str | None) -> None:
    sent = 0

    def too_much(request: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        if asked := request.headers.get("Range"):
            first, last = asked.removeprefix("bytes=").split("-")
            reply(request, status=206, length=1500 << 20, Content_Range=f"bytes {first}-{last}/{int(last) + 1}")
        else:
            reply(request, length=1500 << 20)
        for _ in range(1500):
            flood(request, 1)
            sent += 1

    with LyingServer(too_much) as server:
        if said:
            with pytest.raises(StoreError, match=said):
                read(server.endpoint)
        else:
            assert len(read(server.endpoint)) == 14_000
    assert sent < 64


def test_a_server_that_gives_no_parts_still_gives_whole_files() -> None:
    """As Python's own http.server is: enough for all but large objects, which are fetched in parts."""
    with LyingServer(lambda request: reply(request, b"0123456789")) as server:
        root = open_backend(server.endpoint)
        assert root.read("a", 0, 4) == b"0123"
        assert b"".join(map(bytes, root.stream("a"))) == b"0123456789"
        with pytest.raises(StoreError, match=r"no request for a part of a file .*nginx"):
            root.read("a", 4, 6)


def test_what_was_cut_off_goes_on_where_parts_are_given() -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        if asked := request.headers.get("Range"):
            start = int(asked.removeprefix("bytes=").split("-")[0])
            reply(request, FORMAT[start:], 206, Content_Range=f"bytes {start}-{len(FORMAT) - 1}/{len(FORMAT)}")
        else:
            cut_off(request)

    with LyingServer(answer) as server:
        assert Store.open(server.endpoint).existed
