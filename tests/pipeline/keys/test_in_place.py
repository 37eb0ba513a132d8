"""A file that changes behind the back of its size and modification time; and a chmod, which changes none."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.keys import file_hash as hashed_module
from pipeline.keys import raw_index as raw_module
from pipeline.keys.file_hash import BELIEVED, READ, FileHash
from pipeline.keys.raw_index import RawIndex

MANY = [f"{number:03d}" for number in range(40)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in MANY:
        write(folder / name, name.encode())
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were hashed."""
    names: list[str] = []
    real = raw_module.hash_file

    def spy(path: Path) -> FileHash:
        names.append(path.name)
        return real(path)

    monkeypatch.setattr(raw_module, "hash_file", spy)
    return names


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the files be more than can be hashed again at once."""
    monkeypatch.setattr(raw_module, "_FEW_BYTES", 0)


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    past = time.time() - 3600
    os.utime(path, (past, past))


def in_place(path: Path, content: bytes) -> None:
    """Change a file in place, and put its modification time back."""
    state = path.stat()
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (state.st_size, state.st_mtime_ns, state.st_ino)


def replaced(path: Path, content: bytes) -> None:
    """Replace a file by another of its size and modification time."""
    state = path.stat()
    other = path.with_name(f".{path.name}")
    other.write_bytes(content)
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    os.replace(other, path)


def copied(path: Path, _: bytes = b"") -> None:
    """Replace a file by its copy, as a restored backup does."""
    other = path.with_name(f".{path.name}")
    shutil.copy2(path, other)
    os.replace(other, path)


def chmod(path: Path, _: bytes = b"") -> None:
    path.chmod(0o600 if path.stat().st_mode & 0o040 else 0o640)


def digests(root: Path, names: list[str] = MANY) -> dict[str, str]:
    return {path: each.sha256 for path, each in RawIndex(root).digests(names).items()}


def truly(root: Path, names: list[str] = MANY) -> dict[str, str]:
    return {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names}


@pytest.mark.parametrize("change", [in_place, replaced])
def test_other_content_of_the_same_size_and_time_is_noticed(root: Path, change: Callable[[Path, bytes], None]) -> None:
    before = digests(root)
    change(root / "007", b"abc")
    found = digests(root)
    assert found == truly(root) != before


@pytest.mark.parametrize("change", [chmod, copied])
def test_what_changes_no_content_has_a_file_hashed_once(
    root: Path, read: list[str], change: Callable[[Path], None]
) -> None:
    before = digests(root)
    read.clear()
    change(root / "007")
    assert [digests(root) for _ in range(3)] == [before] * 3
    assert read == ["007"]


@pytest.mark.parametrize("change", [chmod, copied])
@pytest.mark.usefixtures("large")
def test_a_chmod_of_all_hashes_few(root: Path, read: list[str], change: Callable[[Path], None]) -> None:
    before = digests(root)
    read.clear()
    for name in MANY:
        change(root / name)
    index = RawIndex(root)
    assert {path: each.sha256 for path, each in index.digests(MANY).items()} == before
    assert len(read) == 16
    assert {name: index.file_hash(name).origin for name in MANY} == {
        name: READ if name in read else BELIEVED for name in MANY
    }
    assert digests(root) == before
    assert len(read) == 16


@pytest.mark.usefixtures("large")
def test_one_drawn_file_that_changed_has_all_hashed(
    root: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    digests(root)
    read.clear()
    monkeypatch.setattr(random, "sample", lambda paths, count: paths[::-1])
    for name in MANY:
        chmod(root / name)
    in_place(root / "000", b"abc")  # not drawn
    in_place(root / "030", b"def")
    assert digests(root) == truly(root)
    assert sorted(read) == MANY


@pytest.mark.parametrize(("change", "last"), [(chmod, BELIEVED), (copied, BELIEVED)])
def test_what_never_means_anything_is_not_looked_at_any_more(
    root: Path, read: list[str], change: Callable[[Path], None], last: int
) -> None:
    before = digests(root)
    for times in range(5):
        read.clear()
        for name in MANY:
            change(root / name)
        index = RawIndex(root)
        assert {path: each.sha256 for path, each in index.digests(MANY).items()} == before
        assert len(read) == (len(MANY) if times < 3 else 0)
        assert index.file_hash("000").origin == (READ if times < 3 else last)
    write(root / "000", b"xyz")
    assert digests(root) == truly(root)


def test_what_meant_something_once_is_looked_at(root: Path, read: list[str]) -> None:
    digests(root)
    for times in range(6):
        read.clear()
        for name in MANY:
            chmod(root / name)
        if times % 2:
            in_place(root / "020", b"%03d" % times)
        assert digests(root) == truly(root)
        assert sorted(read) == MANY


def test_a_changed_inode_alone_leaves_the_change_time_to_tell(root: Path, read: list[str]) -> None:
    """As on a network share that numbers its files anew at every mount; stood in for by what was noted."""
    before = digests(root)

    def mount() -> None:
        index = RawIndex(root)
        renamed = {name: index._index.files[name] for name in MANY}
        index.remember({n: FileHash(e.size, e.mtime_ns, e.ctime_ns, e.inode + 1, e.sha256) for n, e in renamed.items()})

    for times in range(5):
        mount()
        read.clear()
        index = RawIndex(root)
        assert {path: each.sha256 for path, each in index.digests(MANY).items()} == before
        assert len(read) == (len(MANY) if times < 3 else 0)
        assert index.file_hash("000").origin == READ
    in_place(root / "020", b"abc")
    assert digests(root) == truly(root)


def test_what_an_earlier_version_noted_is_believed_once(root: Path, read: list[str], own_cache: Path) -> None:
    expected = digests(root)
    (new,) = (own_cache / "raw").iterdir()
    new.unlink()
    old = new.with_suffix(".json")
    noted = {name: [3, (root / name).stat().st_mtime_ns, expected[name]] for name in MANY}
    noted["001"][1] = -1  # it was too young
    noted["002"][2] = "no digest"
    old.write_text(json.dumps(noted))
    read.clear()
    index = RawIndex(root)
    assert {path: each.sha256 for path, each in index.digests(MANY).items()} == expected
    assert sorted(read) == ["001", "002"]
    assert {name: index.file_hash(name).origin for name in ("000", "001", "002")} == {
        "000": BELIEVED,
        "001": READ,
        "002": READ,
    }
    assert not old.exists()
    assert digests(root) == expected
    in_place(root / "003", b"abc")
    assert digests(root) == truly(root)


def test_an_altered_byte_in_the_index_costs_only_time(root: Path, own_cache: Path) -> None:
    expected = digests(root)
    (file,) = (own_cache / "raw").iterdir()
    content = file.read_bytes()
    place = content.index(expected["007"].encode())
    file.write_bytes(content[:place] + (b"0" if content[place : place + 1] != b"0" else b"1") + content[place + 1 :])
    assert digests(root) == expected


def test_a_file_that_is_written_while_it_is_hashed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, left = hashlib.file_digest, [1]

    def interrupted(file: object, name: str) -> object:
        found = real(file, name)  # type: ignore[arg-type]
        if left[0]:
            left[0] -= 1
            in_place(root / "000", b"new")
        return found

    monkeypatch.setattr(hashed_module.hashlib, "file_digest", interrupted)
    assert digests(root, ["000"]) == truly(root, ["000"])
    left[0] = 1000
    write(root / "000", b"old")
    with pytest.raises(DataError, match="data/000: changes while it is read\n  wait until it is complete"):
        digests(root, ["000"])


CHANGES = [in_place, replaced, copied, chmod, write]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(CHANGES), st.integers(0, 2)), max_size=3),
        max_size=6,
    )
)
def test_digests_are_right_whatever_happens_between(
    tmp_path: Path, read: list[str], rounds: list[list[tuple[str, Callable[[Path, bytes], None], int]]]
) -> None:
    """And nothing is hashed that nobody touched."""
    root = tmp_path / f"data-{time.time_ns()}"
    root.mkdir()
    for name in ("a", "b"):
        write(root / name, b"000")
    digests(root, ["a", "b"])
    for changes in rounds:
        read.clear()
        for name, change, value in changes:
            change(root / name, b"%03d" % value)
        assert digests(root, ["a", "b"]) == truly(root, ["a", "b"])
        assert sorted(read) == sorted({name for name, _, _ in changes})
        read.clear()
        assert digests(root, ["a", "b"]) == truly(root, ["a", "b"])
        assert not read
