"""Raw files are hashed once, and never believed where they may have changed."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from pipeline.errors import DataError
from pipeline.keys import raw_index as raw_module
from pipeline.keys.file_hash import LOCKED, READ, FileHash
from pipeline.keys.raw_index import FileDigest, RawIndex, stream_digest

HOUR = 3600.0
TWENTY = [f"{number:02d}" for number in range(20)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read."""
    names: list[str] = []
    real = raw_module.hash_file

    def spy(path: Path) -> FileHash:
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
    assert index.file_hash("a").origin == READ


def test_a_file_from_the_future_is_read_once(tmp_path: Path, hashed: list[str]) -> None:
    root = tmp_path / "data"
    write(root, "a", b"one", age=-HOUR)
    for _ in range(3):
        RawIndex(root).digests(["a"])
    assert hashed == ["a"]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the files be more than are all read; two of them are drawn."""
    monkeypatch.setattr(raw_module, "_FEW", 2)
    monkeypatch.setattr(raw_module, "_FEW_BYTES", 0)


@pytest.fixture
def twenty(tmp_path: Path) -> Path:
    for name in TWENTY:
        write(tmp_path / "data", name, name.encode())
    return tmp_path / "data"


def locked(other: str = "") -> dict[str, FileDigest]:
    return {name: FileDigest(2, sha256((other or name).encode())) for name in TWENTY}


def test_few_files_of_the_locks_sizes_are_read_once(tmp_path: Path, hashed: list[str]) -> None:
    """Other data of these sizes had the lock's digests without a word."""
    root = tmp_path / "data"
    write(root, "a", b"one")
    write(root, "b", b"longer")
    lock = {"a": FileDigest(3, "1" * 64), "b": FileDigest(3, "2" * 64)}
    truly = {"a": FileDigest(3, sha256(b"one")), "b": FileDigest(6, sha256(b"longer"))}
    index = RawIndex(root, lock)
    assert index.digests(["a", "b"]) == RawIndex(root, lock).digests(["a", "b"]) == truly
    assert index.file_hash("a").origin == READ
    assert sorted(hashed) == ["a", "b"]


@pytest.mark.usefixtures("large")
def test_of_many_files_some_are_compared_with_the_lock_once(twenty: Path, hashed: list[str]) -> None:
    for _ in range(3):
        index = RawIndex(twenty, locked())
        assert index.digests(TWENTY) == locked()
        assert {name for name in TWENTY if index.file_hash(name).origin == READ} == set(hashed)
        assert {index.file_hash(name).origin for name in set(TWENTY) - set(hashed)} == {LOCKED}
        assert all(index.file_hash(name).matches((twenty / name).stat()) for name in TWENTY)
        assert len(hashed) == 2


@pytest.mark.usefixtures("large")
def test_one_file_that_is_not_the_locks_has_all_of_many_hashed_once(twenty: Path, hashed: list[str]) -> None:
    for _ in range(2):
        assert RawIndex(twenty, locked("xx")).digests(TWENTY) == locked()
        assert sorted(hashed) == TWENTY


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("lock", [{}, locked("xx")], ids=["deleted", "other"])
def test_what_the_lock_said_counts_while_it_says_so(
    twenty: Path, hashed: list[str], lock: dict[str, FileDigest]
) -> None:
    RawIndex(twenty, locked()).digests(TWENTY)
    assert RawIndex(twenty, lock).digests(TWENTY) == locked()
    assert sorted(hashed) == TWENTY  # none of them twice


@pytest.mark.usefixtures("large")
def test_what_the_lock_said_counts_while_the_file_looks_so(twenty: Path, hashed: list[str]) -> None:
    RawIndex(twenty, locked()).digests(TWENTY)
    one, two = [name for name in TWENTY if name not in hashed][:2]
    hashed.clear()
    write(twenty, one, b"xx", age=HOUR / 2)
    (twenty / two).chmod(0o600)  # may be anything, and is the only one to draw from
    assert RawIndex(twenty, locked()).digests(TWENTY) == {**locked(), one: FileDigest(2, sha256(b"xx"))}
    assert sorted(hashed) == [one, two]


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
