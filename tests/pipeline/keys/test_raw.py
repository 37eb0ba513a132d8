"""Raw files are hashed once, and never believed where they may have changed."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from pipeline.errors import DataError
from pipeline.keys import raw as raw_module
from pipeline.keys.hashed import LOCKED, READ, Hashed
from pipeline.keys.raw import FileDigest, RawIndex, stream_digest

HOUR = 3600.0


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read."""
    names: list[str] = []
    real = raw_module.hash_file

    def spy(path: Path) -> Hashed:
        names.append(path.name)
        return real(path)

    monkeypatch.setattr(raw_module, "hash_file", spy)
    return names


def write(root: Path, name: str, content: bytes, age: float = HOUR) -> None:
    root.mkdir(exist_ok=True)
    (root / name).write_bytes(content)
    then = time.time() - age
    os.utime(root / name, (then, then))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_read_once(tmp_path: Path, hashed: list[str]) -> None:
    root = tmp_path / "data"
    write(root, "a", b"one")
    write(root, "b", b"")
    expected = {"a": FileDigest(3, sha256(b"one")), "b": FileDigest(0, sha256(b""))}
    assert RawIndex(root).digests(["a", "b"]) == expected
    assert RawIndex(root).digests(["a", "b"]) == expected
    assert sorted(hashed) == ["a", "b"]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    root = tmp_path / "data"
    write(root, "a", b"one")
    RawIndex(root).digests(["a"])
    write(root, "a", b"two", age=HOUR / 2)
    assert RawIndex(root).digests(["a"])["a"].sha256 == sha256(b"two")


@pytest.mark.parametrize("age", [0.0, 1.0, -1.0])
def test_a_young_file_is_not_believed(tmp_path: Path, age: float) -> None:
    """It may change again within one tick of the file system's clock: with the same size and time."""
    root = tmp_path / "data"
    write(root, "a", b"one", age)
    state = (root / "a").stat()
    RawIndex(root).digests(["a"])
    (root / "a").write_bytes(b"two")
    os.utime(root / "a", ns=(state.st_mtime_ns, state.st_mtime_ns))
    assert RawIndex(root).digests(["a"])["a"].sha256 == sha256(b"two")


def test_a_young_file_is_not_believed_because_of_the_lock(tmp_path: Path) -> None:
    root = tmp_path / "data"
    write(root, "a", b"one", age=0)
    locked = RawIndex(root).digests(["a"])
    write(root, "a", b"two", age=0)
    index = RawIndex(root, locked)
    assert index.digests(["a"])["a"].sha256 == sha256(b"two")
    assert index.hashed("a").origin == READ


def test_a_file_from_the_future_is_read_once(tmp_path: Path, hashed: list[str]) -> None:
    root = tmp_path / "data"
    write(root, "a", b"one", age=-HOUR)
    for _ in range(3):
        RawIndex(root).digests(["a"])
    assert hashed == ["a"]


def test_the_lock_is_believed_once_path_and_size_match(tmp_path: Path, hashed: list[str]) -> None:
    root = tmp_path / "data"
    write(root, "a", b"one")
    write(root, "b", b"longer")
    locked = {"a": FileDigest(3, "1" * 64), "b": FileDigest(3, "2" * 64)}
    index = RawIndex(root, locked)
    found = index.digests(["a", "b"])
    assert found == {"a": FileDigest(3, "1" * 64), "b": FileDigest(6, sha256(b"longer"))}
    assert index.hashed("a") == Hashed(3, 0, 0, 0, "1" * 64, LOCKED)
    assert hashed == ["b"]


def test_hashing_that_is_stopped_is_not_lost(tmp_path: Path, hashed: list[str]) -> None:
    root = tmp_path / "data"
    names = [f"{i:02d}" for i in range(20)]
    for name in names:
        write(root, name, name.encode())

    def stop(done: int, total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        RawIndex(root).digests(names, stop)
    hashed.clear()
    RawIndex(root).digests(names)
    assert len(hashed) <= 10


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data/gone: is not there, though the source lists it\n  restore it"):
        RawIndex(tmp_path / "data").digests(["gone"])


@pytest.mark.parametrize("damage", [b"", b"[", b'{"a": 1}', b"\xff"])
def test_a_damaged_cache_costs_only_time(tmp_path: Path, own_cache: Path, damage: bytes) -> None:
    root = tmp_path / "data"
    write(root, "a", b"one")
    before = RawIndex(root).digests(["a"])
    for path in (own_cache / "raw").iterdir():
        path.write_bytes(damage)
    assert RawIndex(root).digests(["a"]) == before


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "data"
    write(root, "a", b"one")
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "file" / "below"))
    assert RawIndex(root).digests(["a"])["a"].sha256 == sha256(b"one")


def test_a_streams_digest_knows_no_order_but_every_part() -> None:
    files = [("r1", "a/x.mat", FileDigest(1, "1" * 64)), ("r2", "a/y.mat", FileDigest(2, "2" * 64))]
    digest = stream_digest(files)
    assert stream_digest(reversed(files)) == digest
    others = [
        [("r3", "a/x.mat", FileDigest(1, "1" * 64)), files[1]],
        [("r1", "a/z.mat", FileDigest(1, "1" * 64)), files[1]],
        [("r1", "a/x.mat", FileDigest(1, "3" * 64)), files[1]],
        files[:1],
    ]
    assert len({digest, *map(stream_digest, others)}) == 5


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """As a source of one's own may list it."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=r"/pipe: is no plain file"):
        RawIndex(tmp_path).digests(["pipe"])
