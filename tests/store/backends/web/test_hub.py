"""``hf://``: a dataset's files, the large ones of which another host serves, and a token that only the hub gets."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from store import Store, copy_output
from store.errors import NotPermitted, StoreError

from ...used import publish
from ..object_store.lying_server import LyingServer, reply

TOKEN = "hf_0123456789abcdef"
PLACE = "/datasets/owner/name/resolve/v1/features/"
SMALL = 1000  # bytes: larger files are on the other host


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    publish(Store.open(str(tmp_path / "pushed")), "encode", "k", data=bytes(50_000))
    return tmp_path / "pushed"


def send(request: BaseHTTPRequestHandler, data: bytes) -> None:
    if asked := request.headers.get("Range"):
        first, last = (int(each) for each in asked.removeprefix("bytes=").split("-"))
        part = data[first : last + 1]
        span = f"bytes {first}-{first + len(part) - 1}/{len(data)}"
        reply(request, part, 206, Content_Range=span)
    else:
        reply(request, data)


@pytest.fixture
def storage(folder: Path) -> Iterator[LyingServer]:
    """The host of large files, at another port; away once there is a file ``away``."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        if (folder / "away").exists():
            reply(request, b"<Error><Code>SlowDown</Code></Error>", 503)
        else:
            send(request, (folder / request.path.split("?")[0][1:]).read_bytes())

    with LyingServer(answer) as server:
        yield server


@pytest.fixture
def hub(folder: Path, storage: LyingServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[LyingServer]:
    """A private dataset of one revision."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        file = folder / request.path.removeprefix(PLACE)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            reply(request, b"Invalid username or password.", 401)
        elif not request.path.startswith(PLACE) or not file.is_file():
            reply(request, b"Entry not found", 404)
        elif file.stat().st_size > SMALL:
            there = f"{storage.endpoint}/{file.relative_to(folder)}?X-Amz-Signature=secret-signature"
            reply(request, status=302, Location=there)
        else:
            send(request, file.read_bytes())

    monkeypatch.setenv("PIPELINE_TIMEOUT_SECONDS", "1")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with LyingServer(answer) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


URL = "hf://datasets/owner/name@v1/features"


def test_a_folder_that_was_pushed_is_read_through_the_hub(
    hub: LyingServer, storage: LyingServer, folder: Path, tmp_path: Path
) -> None:
    remote, mine = Store.open(URL), Store.open(str(tmp_path / "mine"))
    assert remote.existed
    assert not remote.has("encode", "other")
    copy_output(remote, mine, "encode", "k")
    assert mine.manifest("encode", "k") == Store.open(str(folder)).manifest("encode", "k")
    assert storage.asked
    assert not [headers for *_, headers in storage.asked if TOKEN in str(headers)]


def test_what_is_not_there_or_not_yours_is_told_apart(hub: LyingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Store.open("hf://datasets/owner/name@v1/other").existed
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(NotPermitted, match=r"private \(401\).*HF_TOKEN"):
        Store.open(URL)


def test_a_token_is_not_printed_nor_a_signature(hub: LyingServer, folder: Path, tmp_path: Path) -> None:
    (large,) = folder.glob("outputs/encode/k/*/a/b")
    remote = Store.open(URL)
    large.write_bytes(large.read_bytes()[:-1] + b"?")
    with pytest.raises(StoreError) as damaged:
        copy_output(remote, Store.open(str(tmp_path / "mine")), "encode", "k")
    (folder / "away").touch()
    with pytest.raises(StoreError) as away:
        remote.verify("encode", "k")
    for error in (damaged, away):
        assert URL in str(error.value)
        assert TOKEN not in str(error.value)
        assert "secret-signature" not in str(error.value)


def test_writing_is_refused_with_the_way_to_do_it(hub: LyingServer) -> None:
    with pytest.raises(NotPermitted, match=r"`hf upload owner/name FOLDER features --repo-type dataset`"):
        Store.open(URL).write_ref("mine.json", b"{}")
