"""Records of what was run, at every kind of root: nothing is used for them, and a lock says who goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from store import Store
from store.errors import DraftLocked, UnsafePath


def test_records_are_written_replaced_and_deleted(store: Store) -> None:
    records = store.runs("mine")
    assert records.names() == []
    assert records.read("1.json") is None
    records.write("1.json", b"one")
    records.write("2.json", b"two")
    records.write("1.json", b"anew")
    store.runs("another").write("1.json", b"theirs")
    assert sorted(records.names()) == ["1.json", "2.json"]
    assert records.read("1.json") == b"anew"
    records.delete("1.json")
    records.delete("1.json")
    assert records.names() == ["2.json"]
    assert store.exists()


def test_who_holds_a_lock_is_known_while_it_is_held(store: Store) -> None:
    records = store.runs("mine")
    assert records.owner("1") is None
    with records.lock("1"):
        owner = records.owner("1")
        assert owner is not None
        assert owner.holds
        with pytest.raises(DraftLocked), records.lock("1"):
            pass
    after = records.owner("1")
    assert after is None or not after.holds
    with records.lock_all():
        assert records.names() == []


def test_a_record_names_nothing_to_cleaning(store: Store) -> None:
    with store.draft("encode", "k", recipe={}, inputs=[]) as draft:
        draft.write("a", b"1")
        draft.publish({})
    store.write_ref("other.json", b"{}")
    store.runs("mine").write("1.json", b'{"stage": "encode", "key": "k"}')
    assert [item.name for item in store.garbage_collection(grace_s=0).garbage] == [("encode", "k")]
    assert store.inventory().foreign == []


def test_what_is_no_record_is_foreign_and_killed_writers_leave_garbage(folder_store: Store, folder: Path) -> None:
    folder_store.runs("mine").write("1.json", b"{}")
    (folder / "runs" / ".DS_Store").touch()
    partial = folder / "runs" / "mine" / f".{'0' * 16}.partial"
    partial.touch()
    inventory = folder_store.inventory()
    assert inventory.foreign == ["runs/.DS_Store"]
    assert [item.path for item in inventory.temporaries] == [f"runs/mine/{partial.name}"]


def test_references_are_named_and_deleted(store: Store) -> None:
    store.write_ref("mine.1.json", b"{}")
    store.write_ref("other.json", b"{}")
    assert store.ref_names("mine.") == ["mine.1.json"]
    store.delete_ref("mine.1.json")
    store.delete_ref("mine.1.json")
    assert store.ref_names() == ["other.json"]


@pytest.mark.parametrize("name", ["../x", "", ".hidden", "a/b"])
def test_a_name_stays_in_its_place(folder_store: Store, name: str) -> None:
    with pytest.raises(UnsafePath):
        folder_store.runs("mine").write(name, b"")
    with pytest.raises(UnsafePath):
        folder_store.runs(name).write("1.json", b"")


def test_the_lock_of_a_process_that_ended_is_free(folder_store: Store, folder: Path) -> None:
    hold = "Store.open(sys.argv[1]).runs('mine').lock('1').__enter__()"
    script = f"import os, sys; from store import Store; {hold}; os._exit(9)"
    subprocess.run([sys.executable, "-c", script, str(folder)], check=False)
    owner = folder_store.runs("mine").owner("1")
    assert owner is not None
    assert not owner.holds
