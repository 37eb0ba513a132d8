"""Cleaning frees what nobody uses and nothing else, whoever else is at work; killed in `test_cleaning_killed`."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from store import Store
from store.errors import StoreError, UnsupportedFormat
from store.maintenance.gc import GarbageCollection, resolve_ref_names

from ..used import freed, name, publish

DAY = 86400.0


def paths(collection: GarbageCollection) -> set[str]:
    return {scrap.path for scrap in collection.garbage}


@pytest.fixture
def chain(store: Store) -> Store:
    """index <- encode <- train, of which only train is named; and an encode that nobody uses."""
    publish(store, "index", "i")
    publish(store, "encode", "e", ["i"])
    publish(store, "train", "t", ["e"])
    publish(store, "encode", "unused", ["i"])
    name(store, "mine.json", ("train", "t"))
    return store


def test_keeps_what_is_named_and_what_that_was_made_from(chain: Store) -> None:
    collection = chain.garbage_collection(grace_s=0)
    assert {s.path: s.kind for s in collection.garbage if s.kind != "marker"} == {"outputs/encode/unused": "output"}
    assert freed(collection) == {}
    assert sorted(chain.outputs()) == [("encode", "e"), ("index", "i"), ("train", "t")]
    for each in chain.outputs():
        chain.output(*each).verify()
    assert not chain.garbage_collection(grace_s=0).garbage


def test_keeps_what_is_young(chain: Store) -> None:
    assert not chain.garbage_collection(grace_s=60).garbage


def test_what_a_young_output_was_made_from_stays(folder_store: Store, folder: Path) -> None:
    publish(folder_store, "encode", "old")
    publish(folder_store, "train", "young", ["old"])
    name(folder_store, "other.json", ("train", "elsewhere"))
    age(folder / "outputs/encode/old", 20 * DAY)
    assert not paths(folder_store.garbage_collection(grace_s=14 * DAY))
    age(folder / "outputs/train/young", 20 * DAY)
    assert paths(folder_store.garbage_collection(grace_s=14 * DAY)) >= {"outputs/encode/old", "outputs/train/young"}


def test_forgetting_a_reference_frees_what_it_alone_names(chain: Store) -> None:
    publish(chain, "train", "u", ["e"])
    name(chain, "yours.json", ("train", "u"))
    collection = chain.garbage_collection(grace_s=0, drop_refs=["mine.json"])
    assert {s.path for s in collection.garbage if s.kind == "output"} == {"outputs/encode/unused", "outputs/train/t"}
    assert set(chain.refs()) == {"mine.json", "yours.json"}  # nothing changes before it is asked to
    freed(collection)
    assert set(chain.refs()) == {"yours.json"}
    assert not chain.has("train", "t")
    assert chain.has("index", "i")


def test_without_any_reference_nothing_published_is_freed(chain: Store) -> None:
    chain._root.delete("refs/mine.json")
    collection = chain.garbage_collection(grace_s=0)
    assert collection.has_no_references
    assert not [s for s in collection.garbage if s.kind == "output"]


def test_a_reference_that_cannot_be_read_stops_it(chain: Store) -> None:
    chain.write_ref("broken.json", b'{"steps": ')
    with pytest.raises(StoreError, match=r"broken\.json.*--forget broken\.json"):
        chain.garbage_collection(grace_s=0)
    assert chain.garbage_collection(grace_s=0, drop_refs=["broken.json"]).garbage


def test_a_kept_manifest_of_another_format_stops_it(folder_store: Store, folder: Path) -> None:
    publish(folder_store, "train", "t")
    name(folder_store, "mine.json", ("train", "t"))
    path = folder / "outputs/train/t/manifest.json"
    manifest = json.loads(path.read_bytes())
    del manifest["sha256"]
    path.write_bytes(json.dumps({**manifest, "format": 2}).encode())
    with pytest.raises(UnsupportedFormat, match="made from"):
        folder_store.garbage_collection(grace_s=0)


def test_a_kept_manifest_that_cannot_be_read_stops_it(folder_store: Store, folder: Path) -> None:
    publish(folder_store, "encode", "e")
    publish(folder_store, "train", "t", ["e"])
    name(folder_store, "mine.json", ("train", "t"))
    (folder / "outputs/train/t/manifest.json").write_bytes(b"{")
    with pytest.raises(
        StoreError, match=r"train/t/manifest\.json cannot be trusted.*\n.*nothing is freed.*--quarantine"
    ):
        folder_store.garbage_collection(grace_s=0)
    folder_store.quarantine("train", "t", "damaged")
    assert paths(folder_store.garbage_collection(grace_s=0)) >= {"outputs/encode/e"}


def test_a_manifest_that_cannot_be_read_of_an_output_that_goes_stops_nothing(chain: Store, folder: Path) -> None:
    chain._root.put("outputs/encode/unused/manifest.json", b"{")
    assert freed(chain.garbage_collection(grace_s=0)) == {}
    assert not chain.has("encode", "unused")
    chain.output("encode", "e").verify()


# what is left behind ------------------------------------------------------------------------------------------------


def test_what_was_left_unfinished(store: Store) -> None:
    name(store, "mine.json", ("train", "begun"))
    for key in ("begun", "dropped"):
        with store.draft("train", key, recipe={}, inputs=[]) as draft:
            draft.write("shard", b"x")
            draft.journal("0", ["shard"])
    collection = store.garbage_collection(grace_s=0)
    assert {s.path: s.kind for s in collection.garbage} == {"outputs/train/dropped": "unfinished"}
    freed(collection)
    assert list(store.outputs()) == [("train", "begun")]
    for days, expected in ((59, []), (61, ["outputs/train/begun"])):
        later = GarbageCollection(store._root, store.inventory(), 0, time.time() + days * DAY)
        assert [s.path for s in later.garbage] == expected
    assert freed(later) == {}
    assert list(store.outputs()) == []


def test_attempts_beside_the_published_one(store: Store) -> None:
    publish(store, "train", "t")
    name(store, "mine.json", ("train", "t"))
    with store.draft("train", "t", recipe={}, inputs=[]) as draft:
        draft.write("again", b"x")
        left = draft.attempt
    collection = store.garbage_collection(grace_s=0)
    assert {s.path: s.kind for s in collection.garbage if s.kind != "marker"} == {f"outputs/train/t/{left}": "attempt"}
    assert freed(collection) == {}
    store.output("train", "t").verify()
    assert not store.garbage_collection(grace_s=0).garbage


def test_quarantine_and_markers(store: Store) -> None:
    publish(store, "train", "t")
    name(store, "mine.json", ("train", "t"))
    store.quarantine("train", "t", "a flipped bit")
    store._root.put(f"families/encode/{'a' * 64}/gone", b"{}")
    publish(store, "train", "t")
    collection = store.garbage_collection(grace_s=0)
    kinds = {s.kind for s in collection.garbage}
    assert {"quarantine", "marker"} <= kinds
    assert freed(collection) == {}
    assert not list(store._root.list_paths("quarantine"))
    assert f"families/encode/{'a' * 64}/gone" not in list(store._root.list_paths("families"))
    assert not store.garbage_collection(grace_s=0).garbage
    store.output("train", "t").verify()


def test_temporary_files_of_killed_writers(folder_store: Store, folder: Path) -> None:
    publish(folder_store, "train", "t")
    name(folder_store, "mine.json", ("train", "t"))
    published = next((folder / "outputs/train/t").glob("2*"))
    left = [published / "a" / f".{'a' * 16}.partial", folder / "refs" / f".{'b' * 16}.partial"]
    for path in left:
        path.write_bytes(b"half")
    inside, outside = (str(path.relative_to(folder)) for path in left)
    assert paths(folder_store.garbage_collection(grace_s=0)) == {inside}  # outside of outputs no lock tells who writes
    age(folder / "refs", 2 * 3600)
    assert paths(folder_store.garbage_collection(grace_s=0)) == {inside, outside}
    freed(folder_store.garbage_collection(grace_s=0))
    assert not any(path.exists() for path in left)
    folder_store.output("train", "t").verify()


def test_what_a_writer_left_that_was_killed_once_it_had_published(store: Store) -> None:
    publish(store, "train", "t")
    name(store, "mine.json", ("train", "t"))
    attempt = f"outputs/train/t/{store.output('train', 't').manifest.attempt}"
    for path in (f"{attempt}.journal/unit-0.json", f"{attempt}.scratch/checkpoint"):
        store._root.put(path, b"left")
    assert not paths(store.garbage_collection(grace_s=60))
    freed(store.garbage_collection(grace_s=0))
    assert not list(store._root.list_paths(f"{attempt}.journal")) + list(store._root.list_paths(f"{attempt}.scratch"))
    store.output("train", "t").verify()


def test_many_temporary_files_in_one_output_do_not_wait_for_each_other(folder_store: Store, folder: Path) -> None:
    publish(folder_store, "train", "t")
    published = next((folder / "outputs/train/t").glob("2*"))
    for number in range(40):
        (published / f".{number:016x}.partial").write_bytes(b"half")
    assert not any(why for _, why in folder_store.garbage_collection(grace_s=0).run())
    assert not list(published.glob(".*"))


# beside others ------------------------------------------------------------------------------------------------------


def test_what_somebody_writes_is_left(store: Store) -> None:
    name(store, "mine.json", ("index", "i"))
    publish(store, "train", "t")
    recipe: dict[str, str] = {}
    with (
        store.draft("train", "t", recipe=recipe, inputs=[]) as draft,
        store.draft("train", "u", recipe=recipe, inputs=[]) as new,
    ):
        draft.write("x", b"x")
        new.write("x", b"x")
        left = freed(store.garbage_collection(grace_s=0))
        assert sorted(left) == ["outputs/train/t", "outputs/train/u"]
        assert all(f"process {os.getpid()}" in why for why in left.values())
        new.publish({})
    store.output("train", "t").verify()
    store.output("train", "u").verify()


def test_an_output_that_is_named_after_the_looking_stays(chain: Store) -> None:
    collection = chain.garbage_collection(grace_s=0)
    publish(chain, "train", "new", ["unused"])
    name(chain, "new.json", ("train", "new"))  # names what was made from it
    assert freed(collection) == {"outputs/encode/unused": "used meanwhile"}
    chain.output("encode", "unused").verify()


def test_an_output_that_is_named_at_the_last_moment_comes_back(chain: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between hiding the manifest and looking at the references again."""
    collection = chain.garbage_collection(grace_s=0)
    delete = type(chain._root).delete

    def hide(root: Any, path: str) -> None:
        delete(root, path)
        if path == "outputs/encode/unused/manifest.json":
            assert not chain.has("encode", "unused")
            name(chain, "new.json", ("encode", "unused"))

    monkeypatch.setattr(type(chain._root), "delete", hide)
    assert freed(collection) == {"outputs/encode/unused": "used meanwhile"}
    chain.output("encode", "unused").verify()


def test_a_reference_that_breaks_at_the_last_moment_loses_nothing(
    chain: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = chain.garbage_collection(grace_s=0)
    delete = type(chain._root).delete

    def hide(root: Any, path: str) -> None:
        delete(root, path)
        if path.endswith("manifest.json"):
            chain.write_ref("broken.json", b"{")

    monkeypatch.setattr(type(chain._root), "delete", hide)
    with pytest.raises(StoreError, match="broken"):
        freed(collection)
    chain.output("encode", "unused").verify()


def test_an_output_made_anew_after_the_looking_stays(chain: Store) -> None:
    collection = chain.garbage_collection(grace_s=0)
    time.sleep(0.01)
    chain._root.delete_all("outputs/encode/unused")
    publish(chain, "encode", "unused", ["i"], b"anew")
    assert freed(collection) == {"outputs/encode/unused": "written to meanwhile"}
    chain.output("encode", "unused").verify()


def test_two_cleanings_at_a_time(chain: Store) -> None:
    one, other = chain.garbage_collection(grace_s=0), chain.garbage_collection(grace_s=0)
    assert freed(one) == {}
    assert freed(other) == {}
    assert ("encode", "unused") not in set(chain.outputs())


def test_a_beginning_of_a_name_is_enough() -> None:
    refs = ["stages-abc.json", "stages-abd.json", "other.json"]
    assert resolve_ref_names(refs, ["other", "stages-abc"]) == ["other.json", "stages-abc.json"]
    for text in ("stages", "nothing"):
        with pytest.raises(StoreError, match=rf"--forget {text}"):
            resolve_ref_names(refs, [text])


def age(folder: Path, seconds: float) -> None:
    past = time.time() - seconds
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (past, past))
