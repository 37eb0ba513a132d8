"""What a store in a folder makes may be used by those who may use the folder, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from store import Store

from ...used import freed, name, publish


@pytest.fixture(params=[0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield int(request.param)
    os.umask(before)


def use(folder: Path) -> dict[str, int]:
    """Use a store in every way that leaves something, and return the permissions of that."""
    store = Store.open(str(folder))
    publish(store, "index", "i")
    publish(store, "encode", "bad", ["i"])
    with store.draft("train", "begun", recipe={}, inputs=[]) as draft:
        draft.write("a/b", b"x")
        draft.scratch_write("note", b"y")
        draft.journal("unit", ["a/b"])
    store.quarantine("encode", "bad", "a test")
    name(store, "mine.json", ("index", "i"))
    with store.lock_ref("mine.json"):
        pass
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


@pytest.mark.parametrize("mode", [0o2770, 0o2775, 0o777])
def test_a_folder_that_others_may_write_to(tmp_path: Path, umask: int, mode: int) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    folder.chmod(mode)
    for path, found in use(folder).items():
        wanted = mode & (0o2077 if (folder / path).is_dir() else 0o066)
        assert found & wanted == wanted, f"{path} has {found:o}"
        assert (folder / path).is_dir() or not found & stat.S_ISGID
    assert freed(Store.open(str(folder)).garbage_collection(grace_s=0)) == {}


@pytest.mark.parametrize("made", [False, True])
def test_in_any_other_folder_the_umask_decides(tmp_path: Path, umask: int, made: bool) -> None:
    folder = tmp_path / "store"
    if made:
        folder.mkdir(mode=0o755)
    for path, found in use(folder).items():
        assert found == (0o777 if (folder / path).is_dir() else 0o666) & ~umask, path


def test_a_share_that_decides_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    folder.chmod(0o2770)

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refused)
    assert use(folder)
