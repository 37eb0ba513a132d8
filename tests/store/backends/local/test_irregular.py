"""Links, FIFOs, sockets and devices in a folder store: none is followed, waited for, listed as ours or deleted."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from store import Store
from store.backends.local.backend import LocalBackend
from store.errors import IrregularFile, StoreError
from store.transfer import copy_output

from ...used import freed, name, publish

Place = Callable[[Path], None]


def to_nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


def fifo(path: Path) -> None:
    os.mkfifo(path)


def bound_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder outside of the store, which looks like an old attempt, and must stay as it is."""
    folder = tmp_path / "elsewhere"
    (folder / "photos").mkdir(parents=True)
    (folder / "photos" / "one").write_text("precious")
    (folder / "two").write_text("precious")
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (1e9, 1e9))
    yield folder
    assert sorted(path.name for path in folder.rglob("*")) == ["one", "photos", "two"]
    assert {path.read_text() for path in folder.rglob("*") if path.is_file()} == {"precious"}


@pytest.fixture
def used(folder_store: Store) -> Store:
    """One output that is named, one that is not."""
    publish(folder_store, "train", "t")
    publish(folder_store, "train", "unused")
    name(folder_store, "mine.json", ("train", "t"))
    return folder_store


LEVELS = [
    "outputs/mystage",
    "outputs/train/linked",
    "outputs/train/unused/20200101T000000000000Z-00000000",
    "outputs/train/unused/notes",
    "outputs/train/unused/20200101T000000000000Z-00000000.journal",
    "outputs/train/begun/20200101T000000000000Z-00000000/features/c",
    "families/train/linked",
    "quarantine/train",
    "quarantine/train/t/20200101T000000000000Z-00000000/objects",
]


@pytest.mark.parametrize("level", LEVELS)
def test_cleaning_names_a_link_and_leaves_what_it_leads_to(
    used: Store, folder: Path, elsewhere: Path, level: str
) -> None:
    link = folder / level
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere)
    collection = used.garbage_collection(grace_s=0)
    assert [(each.path, each.what) for each in collection.inventory.irregular] == [(level, "a symbolic link")]
    assert freed(collection) == {}
    assert link.is_symlink()
    assert used.has("train", "unused") == ("unused" in level)  # nothing of an output that holds one is freed
    used.output("train", "t").verify()
    link.unlink()
    freed(used.garbage_collection(grace_s=0))
    assert not used.has("train", "unused")


@pytest.mark.parametrize("make", [to_nowhere, fifo, bound_socket])
def test_cleaning_leaves_other_kinds(used: Store, folder: Path, make: Place) -> None:
    (attempt,) = (folder / "outputs/train/unused").glob("2*")
    made = [attempt / "made", folder / "outputs/train/unused/lock.old", folder / "outputs/other"]
    for path in made:
        make(path)
    assert freed(used.garbage_collection(grace_s=0)) == {}
    assert all(os.path.lexists(path) for path in made)
    assert used.has("train", "unused")


def test_a_link_that_comes_after_the_looking(used: Store, folder: Path, elsewhere: Path) -> None:
    collection = used.garbage_collection(grace_s=0)
    (attempt,) = (folder / "outputs/train/unused").glob("2*")
    attempt.rename(attempt.with_name("moved"))
    attempt.symlink_to(elsewhere)
    left = freed(collection)
    assert "a symbolic link" in left["outputs/train/unused"]
    assert attempt.is_symlink()


def test_a_folder_exchanged_for_a_link_amid_deletion(
    used: Store, folder: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last moment: after everything was listed, before the folder is opened to be emptied."""
    stage = folder / "outputs/train"
    delete_all = LocalBackend.delete_all

    def exchange(root: LocalBackend, prefix: str) -> None:
        if "outputs/train/unused/2" in prefix and not stage.is_symlink():
            shutil.copytree(stage, folder / "kept")
            shutil.rmtree(stage)
            for path in (elsewhere / "unused", elsewhere / "unused" / Path(prefix).name):
                path.mkdir()
            (elsewhere / "unused" / Path(prefix).name / "a").write_text("precious")
            stage.symlink_to(elsewhere)
        delete_all(root, prefix)

    with monkeypatch.context() as patch:
        patch.setattr(LocalBackend, "delete_all", exchange)
        left = freed(used.garbage_collection(grace_s=0))
    assert "a symbolic link" in left["outputs/train/unused"]
    assert [path.read_text() for path in elsewhere.glob("unused/2*/a")] == ["precious"]
    shutil.rmtree(elsewhere / "unused")


def test_a_reference_that_is_a_link_stops_cleaning(used: Store, folder: Path, tmp_path: Path) -> None:
    """Else what it names would go."""
    (folder / "refs/mine.json").rename(tmp_path / "mine.json")
    (folder / "refs/mine.json").symlink_to(tmp_path / "mine.json")
    name(used, "other.json", ("train", "other"))
    with pytest.raises(StoreError, match=r"refs/mine\.json is a symbolic link.*nothing is freed"):
        used.garbage_collection(grace_s=0)


def test_a_stage_on_another_disk_stops_cleaning_where_its_outputs_are_used(
    used: Store, folder: Path, tmp_path: Path
) -> None:
    """What those were made from cannot be told."""
    publish(used, "encode", "e")
    publish(used, "train", "u", ["e"])
    name(used, "yours.json", ("train", "u"))
    (folder / "outputs/train").rename(tmp_path / "train")
    (folder / "outputs/train").symlink_to(tmp_path / "train")
    again = Store.open(used.url)
    with pytest.raises(StoreError, match=r"outputs/train is a symbolic link.*mount --bind(.|\n)*nothing is freed"):
        again.garbage_collection(grace_s=0)
    with pytest.raises(IrregularFile, match="let the whole store folder be a link"):
        again.has("train", "u")


def test_the_store_itself_may_be_a_link_and_lie_below_one(used: Store, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    folder.rename(tmp_path / "disk" / "store")
    (tmp_path / "mounted").symlink_to(tmp_path / "disk")
    (tmp_path / "mine").symlink_to(tmp_path / "mounted" / "store")
    store = Store.open(str(tmp_path / "mine"))
    publish(store, "train", "new")
    assert freed(store.garbage_collection(grace_s=0)) == {}
    assert list(store.outputs()) == [("train", "t")]
    store.output("train", "t").verify()


KINDS = {"a symbolic link": to_nowhere, "a FIFO": fifo, "a socket": bound_socket}


class TestReading:
    """Nothing hangs: a FIFO without a writer is waited for without end by whoever simply opens it."""

    @pytest.mark.parametrize("what", KINDS)
    def test_an_object(self, used: Store, folder: Path, tmp_path: Path, what: str) -> None:
        output = used.output("train", "t")
        path = folder / f"outputs/train/t/{output.manifest.attempt}/a/b"
        path.unlink()
        KINDS[what](path)
        for read in (output.verify, lambda: output.read_bytes("a/b"), lambda: output.read_range("a/b", 0, 1)):
            with pytest.raises(IrregularFile, match=f"a/b is {what}"):
                read()
        checked = used.verify("train", "t")
        assert checked is not None
        assert [(each.path, each.found) for each in checked.damage] == [("a/b", what)]
        with pytest.raises(StoreError):
            copy_output(used, Store.open(str(tmp_path / "copy")), "train", "t")

    @pytest.mark.parametrize("what", KINDS)
    def test_a_manifest_a_reference_and_the_format(self, used: Store, folder: Path, what: str) -> None:
        places: dict[str, Callable[[], object]] = {
            "outputs/train/t/manifest.json": lambda: used.output("train", "t"),
            "refs/mine.json": lambda: used.read_ref("mine.json"),
            "store.json": lambda: Store.open(used.url),
        }
        for place, read in places.items():
            (folder / place).unlink()
            KINDS[what](folder / place)
            with pytest.raises(IrregularFile, match=f"{place} is {what}"):
                read()

    def test_an_object_that_is_a_link_to_its_very_bytes(self, used: Store, folder: Path, tmp_path: Path) -> None:
        """As git-annex leaves them."""
        output = used.output("train", "t")
        path = folder / f"outputs/train/t/{output.manifest.attempt}/a/b"
        path.rename(tmp_path / "content")
        path.symlink_to(tmp_path / "content")
        with pytest.raises(IrregularFile, match="a/b is a symbolic link"):
            output.verify()


class TestWriting:
    @pytest.mark.parametrize("what", KINDS)
    def test_a_lock(self, used: Store, folder: Path, what: str) -> None:
        lock = folder / "outputs/train/t/lock"
        lock.unlink(missing_ok=True)
        KINDS[what](lock)
        with pytest.raises(IrregularFile, match=f"lock is {what}"):
            used.draft("train", "t", recipe={}, inputs=[])
        used.output("train", "t").verify()

    def test_a_lock_that_leads_to_a_file_empties_nothing(self, used: Store, folder: Path, elsewhere: Path) -> None:
        (folder / "outputs/train/t/lock").unlink(missing_ok=True)
        (folder / "outputs/train/t/lock").symlink_to(elsewhere / "two")
        with pytest.raises(IrregularFile):
            used.draft("train", "t", recipe={}, inputs=[])

    def test_a_folder_that_is_a_link(self, used: Store, folder: Path, elsewhere: Path) -> None:
        (folder / "outputs/index").symlink_to(elsewhere)
        with pytest.raises(IrregularFile, match="outputs/index is a symbolic link"):
            publish(used, "index", "i")

    def test_a_reference_is_not_written_over_a_link(self, used: Store, folder: Path, elsewhere: Path) -> None:
        (folder / "refs/new.json").symlink_to(elsewhere / "two")
        with pytest.raises(IrregularFile):
            name(used, "new.json", ("train", "t"))

    def test_what_is_published_has_no_part_that_is_a_link(self, used: Store, folder: Path, elsewhere: Path) -> None:
        with used.draft("train", "new", recipe={}, inputs=[]) as draft:
            draft.write("a", b"a")
            attempt = folder / "outputs/train/new" / draft.attempt
            (attempt / "two").symlink_to(elsewhere / "two")
            os.mkfifo(attempt / "pipe")
            assert set(draft.publish({}).entries) == {"a"}
