"""What every backend promises, the same for a folder and for obstore."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from store.backends.base import Backend
from store.backends.local.backend import LocalBackend
from store.backends.urls import open_backend
from store.errors import StoreError, UnsupportedUrl

EVERYWHERE = pytest.mark.parametrize("url", ["folder", "memory", "s3", "azure"], indirect=True)


@pytest.fixture
def backend(url: str) -> Backend:
    return open_backend(url)


@EVERYWHERE
def test_what_was_put_is_read_back(backend: Backend) -> None:
    backend.put("a/b/c", b"0123456789")
    assert backend.read("a/b/c") == b"0123456789"
    assert backend.read("a/b/c", 3) == b"3456789"
    assert backend.read("a/b/c", 3, 5) == b"34"
    assert backend.read("a/b/c", 8, 99) == b"89"
    assert backend.read("a/b/c", 10, 99) == b""
    assert b"".join(bytes(piece) for piece in backend.stream("a/b/c")) == b"0123456789"
    assert backend.size("a/b/c") == 10


@EVERYWHERE
def test_an_empty_and_a_large_object(backend: Backend) -> None:
    large = os.urandom(3 << 20) + b"x"
    backend.put("empty", b"")
    backend.put("large", memoryview(large))
    assert backend.read("empty") == b""
    assert backend.size("empty") == 0
    assert list(backend.stream("empty")) in ([], [b""])
    assert b"".join(bytes(piece) for piece in backend.stream("large")) == large


@EVERYWHERE
def test_a_missing_object(backend: Backend) -> None:
    backend.put("a/b", b"1")
    for path in ("nothing", "a/nothing", "a/b/nothing", "a"):
        with pytest.raises(FileNotFoundError):
            backend.read(path)
        with pytest.raises(FileNotFoundError):
            list(backend.stream(path))
    assert backend.size("a/nothing") is None
    assert backend.size("a/b/nothing") is None
    backend.delete("a/nothing")
    backend.delete_all("nothing")
    assert list(backend.list_paths("nothing")) == []
    assert backend.list_dir("nothing") == []


@EVERYWHERE
def test_create_never_replaces(backend: Backend) -> None:
    assert backend.put_if_absent("a/once", b"first")
    assert not backend.put_if_absent("a/once", b"second")
    assert backend.read("a/once") == b"first"
    assert backend.list_dir("a") == ["once"]


@EVERYWHERE
def test_of_many_creators_one_wins(backend: Backend) -> None:
    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(lambda number: backend.put_if_absent("a/once", b"%d" % number), range(8)))
    assert won.count(True) == 1
    assert backend.read("a/once") == b"%d" % won.index(True)


@EVERYWHERE
def test_put_replaces(backend: Backend) -> None:
    backend.put("a", b"first")
    backend.put("a", b"second", durable=True)
    assert backend.read("a") == b"second"


@EVERYWHERE
def test_writing_piece_by_piece(backend: Backend) -> None:
    """A piece is valid until the next one is asked for, as a buffer that is used again and again."""

    def pieces(count: int, broken: bool = False) -> Iterator[memoryview]:
        buffer = bytearray(1 << 20)
        for number in range(count):
            buffer[:] = bytes([number]) * len(buffer)
            yield memoryview(buffer)
        if broken:
            raise LookupError("the source broke off")

    for count in (2, 10):
        backend.write_stream("a/b", count << 20, pieces(count))
        assert backend.read("a/b") == b"".join(bytes([number]) * (1 << 20) for number in range(count))
        with pytest.raises(LookupError, match="broke off"):
            backend.write_stream("a/broken", 10 << 20, pieces(count, broken=True))
        assert list(backend.list_paths("a")) == ["a/b"]
    backend.write_stream("a/empty", 0, iter([]))
    assert backend.size("a/empty") == 0


@EVERYWHERE
def test_copying(backend: Backend) -> None:
    backend.put("a", b"1")
    backend.put("b", b"2")
    backend.copy("a", "b")
    backend.copy("a", "c/d")
    assert [backend.read(path) for path in ("a", "b", "c/d")] == [b"1"] * 3
    with pytest.raises(FileNotFoundError):
        backend.copy("nothing", "e")


@EVERYWHERE
def test_listing_and_deleting(backend: Backend) -> None:
    for path in ("a/1", "a/b/2", "a/b/3", "ab/4"):
        backend.put(path, b"x")
    backend.sync(["a/1", "a/b/2"])
    assert sorted(backend.list_paths("a")) == ["a/1", "a/b/2", "a/b/3"]
    assert sorted(backend.list_dir("a")) == ["1", "b"]
    everything = ["a/1", "a/b/2", "a/b/3", "ab/4"]
    assert sorted(backend.list_paths("")) == everything
    assert sorted(listed.path for listed in backend.list_objects("")) == everything
    backend.delete("a/1")
    backend.delete_all("a/b")
    assert list(backend.list_paths("a")) == []
    assert list(backend.list_paths("ab")) == ["ab/4"]


@EVERYWHERE
def test_two_stores_at_one_url_are_one(url: str) -> None:
    open_backend(url).put("a", b"1")
    assert open_backend(url).read("a") == b"1"


@pytest.mark.parametrize("written", ["data/store", "~/store", "file:///some%20where/store"])
def test_urls_of_folders(written: str, tmp_path: Path) -> None:
    wanted = {
        "data/store": tmp_path / "data/store",
        "~/store": Path.home() / "store",
        "file:///some%20where/store": Path("/some where/store"),
    }
    assert open_backend(written, tmp_path).url == str(wanted[written])


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "empty"),
        ("ftp://host/x", "s3://"),
        ("file://host/x", "another machine"),
        ("s3://key:secret@bucket/x", "environment"),
    ],
)
def test_urls_that_cannot_be_opened(written: str, words: str) -> None:
    with pytest.raises(UnsupportedUrl, match=words) as error:
        open_backend(written)
    assert "secret" not in str(error.value)


def test_cloud_urls_open_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert open_backend("s3://bucket/prefix/").url == "s3://bucket/prefix"


class TestFolder:
    def test_a_share_without_hard_links(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def no_links(*_: object) -> None:
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(os, "link", no_links)
        backend = LocalBackend(folder)
        assert backend.put_if_absent("a/once", b"first")
        assert not backend.put_if_absent("a/once", b"second")
        assert backend.read("a/once") == b"first"
        assert os.listdir(folder / "a") == ["once"]

    def test_a_failed_write_leaves_what_was_there(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        backend = LocalBackend(folder)
        backend.put("a", b"first")

        def broken(*_: object) -> None:
            raise OSError(errno.EIO, "broken")

        monkeypatch.setattr(os, "fsync", broken)
        with pytest.raises(StoreError, match="Input/output error"):
            backend.put("a", b"second", durable=True)
        assert backend.read("a") == b"first"
        assert os.listdir(folder) == ["a"]

    def test_a_file_where_the_store_should_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        backend = LocalBackend(tmp_path / "file")
        assert backend.size("store.json") is None
        with pytest.raises(StoreError, match=r"cannot write .*file"):
            backend.put("store.json", b"{}")
        with pytest.raises(StoreError, match=r"cannot make .*file"):
            backend.lock("outputs/a/b/lock", "the draft")

    def test_a_short_read_is_completed(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        backend = LocalBackend(folder)
        backend.put("a", b"0123456789")
        read = os.read
        monkeypatch.setattr(os, "read", lambda descriptor, count: read(descriptor, min(count, 3)))
        assert backend.read("a", 1, 9) == b"12345678"
        assert backend.read("a", 1, 99) == b"123456789"
