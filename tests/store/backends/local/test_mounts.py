"""A store whose file system is not mounted any more: no new one begins at the bare mount point."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store import Store
from store.errors import StoreError
from store.remotes import StoreChain


class Disk:
    """A file system in memory, mounted at a folder until `leave`."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._files = place.with_name("files")
        place.mkdir()

    def mount(self) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(self.place)], check=True)

    def leave(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.place)], check=True)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    if os.geteuid():
        pytest.skip("needs root, to mount a file system in memory")
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    made = Disk(tmp_path / "disk")
    try:
        made.mount()
    except subprocess.CalledProcessError:
        pytest.skip("cannot mount a file system in memory here")
    yield made
    while os.path.ismount(made.place):
        made.leave()


def publish(store: Store, key: str = "k") -> None:
    with store.draft("encode", key, recipe={"raw": "r"}, inputs=[]) as draft:
        draft.write("a", b"1")
        draft.publish({})


@pytest.mark.parametrize("below", ["", "team/store"])
def test_a_later_process_begins_none(disk: Disk, below: str) -> None:
    url = str(disk.place / below)
    publish(Store.open(url))
    disk.leave()
    with pytest.raises(StoreError, match=rf"was a store on the file system at {disk.place}, and none is mounted there"):
        Store.open(url)
    assert list(disk.place.iterdir()) == []


@pytest.mark.parametrize("below", ["", "team/store"])
def test_a_process_that_had_it_open_begins_none(disk: Disk, below: str) -> None:
    store = Store.open(str(disk.place / below))
    publish(store)
    disk.leave()
    actions: list[Any] = [
        lambda: publish(store, "other"),
        lambda: store.write_ref("a", b"{}"),
        lambda: store._root.put("outputs/encode/k/x", b"1"),
        lambda: store._root.put_if_absent("outputs/encode/k/x", b"1"),
        lambda: store._root.lock("outputs/encode/k/lock", "it").__enter__(),
    ]
    for each in actions:
        with pytest.raises(StoreError, match=r"is gone: it had .* Is its file system still mounted"):
            each()
    assert list(disk.place.iterdir()) == []


def test_in_the_middle_of_a_draft(disk: Disk) -> None:
    store = Store.open(str(disk.place))
    with store.draft("encode", "k", recipe={"raw": "r"}, inputs=[]) as draft:
        draft.write("a", b"1")
        disk.leave()
        with pytest.raises(StoreError, match="is gone"):
            draft.write("b", b"1")
    assert list(disk.place.iterdir()) == []


def test_a_remote_is_away_then(disk: Disk, tmp_path: Path) -> None:
    publish(Store.open(str(disk.place)))
    disk.leave()
    chain = StoreChain(Store.open(str(tmp_path / "local")), [str(disk.place)])
    assert chain.remotes() == {}
    assert "none is mounted there now" in chain.failures[str(disk.place)]


def test_it_is_used_again_when_it_is_back(disk: Disk, tmp_path: Path) -> None:
    """Mounted anew it has another device number, and what is there counts."""
    publish(Store.open(str(disk.place)))
    shutil.copytree(disk.place, tmp_path / "kept")
    disk.leave()
    with pytest.raises(StoreError, match="Mount it and run again"):
        Store.open(str(disk.place))
    disk.mount()
    shutil.copytree(tmp_path / "kept", disk.place, dirs_exist_ok=True)
    assert Store.open(str(disk.place)).has("encode", "k")


def test_the_remedy_for_who_wants_a_new_one_here(disk: Disk) -> None:
    publish(Store.open(str(disk.place)))
    disk.leave()
    with pytest.raises(StoreError) as error:
        Store.open(str(disk.place))
    Path(str(error.value).rpartition("delete ")[2].rstrip(")")).unlink()
    publish(Store.open(str(disk.place)))
    assert Store.open(str(disk.place)).has("encode", "k")


@pytest.mark.parametrize("again", ["the same", "mounted anew"])
def test_a_store_that_was_deleted_begins_again(disk: Disk, again: str) -> None:
    """On purpose: what it lies on is there."""
    folder = disk.place / "store"
    publish(Store.open(str(folder)))
    shutil.rmtree(folder)
    if again == "mounted anew":
        disk.leave()
        disk.mount()
    publish(Store.open(str(folder)))
    assert Store.open(str(folder)).has("encode", "k")


def test_without_a_home_or_a_cache_to_write_to(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_CACHE", "/proc/none")
    publish(Store.open(str(disk.place)))
    assert Store.open(str(disk.place)).has("encode", "k")
