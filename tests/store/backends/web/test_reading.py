"""A folder behind nginx reads like the folder, and is not listed, locked or written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store import Store, copy_output
from store.backends.base import Backend
from store.backends.local.backend import LocalBackend
from store.backends.urls import open_backend
from store.errors import CorruptObject, NotPermitted, StoreError

from ....nginx import serve
from ...used import publish

FILES = {
    "store.json": b'{"format":"harvest-store","version":1}\n',
    "a/empty": b"",
    "a/b c[1]+=%41,é.json": b"odd name",
    "a/large": os.urandom((3 << 20) + 7),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("served")
    for path, data in FILES.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(data)
    return root


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Backend]:
    with serve(folder) as url:
        yield open_backend(url)


@pytest.mark.parametrize("path", [*FILES])
def test_what_is_there_is_read_as_in_the_folder(folder: Path, served: Backend, path: str) -> None:
    local = LocalBackend(folder)
    assert served.size(path) == local.size(path)
    assert b"".join(map(bytes, served.stream(path))) == FILES[path]
    for span in [(), (0, 1), (0, 5 << 20), (3,), (3, 5), (1 << 20, 2 << 20), (5 << 20, 6 << 20), (9, 9)]:
        assert served.read(path, *span) == local.read(path, *span), span


def test_what_is_missing_is_missing(served: Backend) -> None:
    assert served.size("a/nothing") is None
    for read in (lambda: served.read("a/nothing"), lambda: list(served.stream("nothing"))):
        with pytest.raises(FileNotFoundError):
            read()


WRITES: dict[str, Any] = {
    "put": lambda root: root.put("x", b"1"),
    "write_stream": lambda root: root.write_stream("x", 1, iter([b"1"])),
    "put_if_absent": lambda root: root.put_if_absent("x", b"1"),
    "copy": lambda root: root.copy("store.json", "x"),
    "delete": lambda root: root.delete("store.json"),
    "delete_all": lambda root: root.delete_all("a"),
    "move_all": lambda root: root.move_all("a", "b"),
    "drop_folder": lambda root: root.drop_folder("a", "a/lock"),
    "lock": lambda root: root.lock("a/lock", "it").__enter__(),
    "check_writable": lambda root: root.check_writable(),
}
LISTS: dict[str, Any] = {
    "list_paths": lambda root: list(root.list_paths("a")),
    "list_objects": lambda root: list(root.list_objects("a")),
    "list_dir": lambda root: root.list_dir("a"),
    "list_folders": lambda root: root.list_folders("a"),
}


@pytest.mark.parametrize("name", [*WRITES, *LISTS])
def test_nothing_is_written_or_listed_nor_asked_for(name: str) -> None:
    root = open_backend("http://127.0.0.1:9/a")  # where nobody listens
    expected = "cannot write http://127.0.0.1:9/a" if name in WRITES else "cannot list http://127.0.0.1:9/a"
    with pytest.raises(NotPermitted, match=expected) as error:
        {**WRITES, **LISTS}[name](root)
    assert "\n" not in str(error.value)


def test_an_output_is_copied_and_verified_without_a_list(tmp_path: Path) -> None:
    origin = Store.open(str(tmp_path / "origin"))
    publish(origin, "encode", "k", inputs=["parent"], data=os.urandom(100_000))
    with serve(tmp_path / "origin") as url:
        remote, mine = Store.open(url), Store.open(str(tmp_path / "mine"))
        assert remote.existed
        assert copy_output(remote, mine, "encode", "k").objects == 1
        assert mine.manifest("encode", "k") == origin.manifest("encode", "k")
        for deep in (True, False):
            checked = remote.verify("encode", "k", deep=deep)
            assert checked is not None
            assert not checked.damage
        assert remote.verify("encode", "other") is None
        (damaged,) = (tmp_path / "origin").glob("outputs/encode/k/*/a/b")
        damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
        checked = remote.verify("encode", "k")
        assert checked is not None
        assert [each.path for each in checked.damage] == ["a/b"]
        with pytest.raises(CorruptObject, match=f"{url}/outputs/encode/k/.*/a/b changed after it was published"):
            copy_output(remote, Store.open(str(tmp_path / "other")), "encode", "k")
        damaged.unlink()
        checked = remote.verify("encode", "k", deep=False)
        assert checked is not None
        assert [each.found for each in checked.damage] == ["no such object"]


def test_a_bucket_that_everybody_may_read_and_nobody_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To whoever does not sign, S3 is a web server: its listing is refused like any folder of nginx."""
    origin = Store.open(str(tmp_path / "bucket" / "features"))
    publish(origin, "encode", "k", inputs=["parent"])
    with serve(tmp_path) as url:
        for name, value in {
            "AWS_ENDPOINT_URL": url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_SKIP_SIGNATURE": "true",
            "AWS_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        remote = Store.open("s3://bucket/features")
        assert copy_output(remote, Store.open(str(tmp_path / "mine")), "encode", "k").objects == 1
        checked = remote.verify("encode", "k")
        assert checked is not None
        assert not checked.damage
        with pytest.raises(NotPermitted, match="cannot list s3://bucket/features/outputs"):
            list(remote.outputs())


def test_a_certificate_of_ones_own_issuer(
    tmp_path: Path, folder: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPELINE_TIMEOUT_SECONDS", "1")
    with serve(folder, certificate=certificate) as url:
        with pytest.raises(StoreError, match=r"its certificate is not trusted \(UnknownIssuer\)\. .*SSL_CERT_FILE"):
            Store.open(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert Store.open(url).existed


def test_nothing_leads_from_https_to_http(folder: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    away = "return 302 http://127.0.0.1:9$request_uri;"
    with (
        serve(folder, away, certificate) as url,
        pytest.raises(StoreError, match="it redirects to an address that is not https://"),
    ):
        Store.open(url)
