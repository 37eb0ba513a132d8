from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from store import Store
from store.canonical import digest
from store.errors import CorruptObject, DraftLocked, StoreError, UnsafePath, UnsupportedFormat
from store.writing.draft import Draft

RECIPE = {"stage": "encode", "window": 8, "raw": {"inertial": "0" * 64}}


def draft(store: Store, key: str = "k1", inputs: Sequence[str] = ()) -> Draft:
    return store.draft("encode", key, recipe=RECIPE, inputs=inputs)


class TestPublishing:
    def test_there_is_no_output_before_the_manifest(self, store: Store) -> None:
        with draft(store) as d:
            d.write("table.json", b"[1]")
            assert not store.has("encode", "k1")
            assert store.manifest("encode", "k1") is None
            d.publish({})
        assert store.has("encode", "k1")

    def test_the_manifest_tells_everything(self, store: Store) -> None:
        with draft(store, inputs=["k0"]) as d:
            d.write("b.json", b"[1]")
            d.write("a/c.bin", b"\0\1")
            d.journal("one", ["a/c.bin"])
            d.scratch_write("checkpoint", b"large")
            d.publish({"machine": "here"})
        manifest = store.manifest("encode", "k1")
        assert manifest is not None
        assert [(entry.path, entry.size) for entry in manifest.objects] == [("a/c.bin", 2), ("b.json", 3)]
        assert manifest.objects[1].sha256 == hashlib.sha256(b"[1]").hexdigest()
        assert manifest.recipe == RECIPE
        assert manifest.family == digest({"stage": "encode", "window": 8})
        assert manifest.inputs == ["k0"]
        assert manifest.provenance == {"machine": "here"}
        assert manifest.created.endswith("+00:00")

    def test_reading_it_back(self, store: Store) -> None:
        with draft(store) as d:
            d.write("a/table.json", b'{"x": 1}')
            d.publish({})
        output = store.output("encode", "k1")
        assert output.read_bytes("a/table.json") == b'{"x": 1}'
        assert output.read_json("a/table.json", dict) == {"x": 1}

    def test_who_comes_second_checks_the_first_and_drops_its_own(self, store: Store) -> None:
        with draft(store) as first:
            first.write("x", b"theirs")
            theirs = first.publish({})
        second = draft(store)
        second.write("x", b"ours")
        with second:
            second.scratch_write("checkpoint", b"1")
            second.write("y", b"1")
            second.journal("one", ["y"])
            output = second.publish({})
        assert output.manifest == theirs.manifest
        assert output.read_bytes("x") == b"theirs"
        left = [path for path in store._root.list_paths("outputs") if second.attempt in path]
        assert left == []

    def test_who_comes_second_after_a_damaged_first_says_so(self, store: Store) -> None:
        with draft(store) as first:
            first.write("x", b"theirs")
            first.publish({})
        store._root.put(f"outputs/encode/k1/{first.attempt}/x", b"THEIRS")
        with draft(store) as second:
            second.write("x", b"ours")
            with pytest.raises(CorruptObject, match=r"/x changed .* Run again"):
                second.publish({})
        assert store._root.read(f"outputs/encode/k1/{second.attempt}/x") == b"ours"

    def test_a_published_draft_is_closed(self, store: Store) -> None:
        with draft(store) as d:
            d.publish({})
            for late in (
                lambda: d.write("x", b""),
                lambda: d.publish({}),
                lambda: d.journal("1", []),
                lambda: d.scratch_write("x", b""),
            ):
                with pytest.raises(StoreError, match="closed"):
                    late()

    @pytest.mark.parametrize("recipe", [{"x": float("nan")}, {"x": object()}])
    def test_a_recipe_that_is_not_json_is_refused_at_once(self, store: Store, recipe: dict[str, Any]) -> None:
        with pytest.raises((TypeError, ValueError), match=r"value\['x'\]"):
            store.draft("encode", "k1", recipe=recipe, inputs=[])


class TestJournal:
    def test_a_journalled_object_never_changes(self, store: Store) -> None:
        with draft(store) as d:
            d.write("shard", b"1")
            d.journal("0", ["shard"])
            for change in (
                lambda: d.write("shard", b"2"),
                lambda: d.delete("shard"),
                lambda: d.journal("1", ["shard"]),
            ):
                with pytest.raises(StoreError, match="never changes"):
                    change()
            assert d.read("shard") == b"1"

    def test_a_unit_is_journalled_once(self, store: Store) -> None:
        with draft(store) as d:
            d.journal("0", [])
            with pytest.raises(StoreError, match="journalled already"):
                d.journal("0", [])

    def test_a_missing_object_cannot_be_journalled(self, store: Store) -> None:
        with draft(store) as d:
            with pytest.raises(StoreError, match="gone"):
                d.journal("0", ["gone"])
            assert d.done == frozenset()

    def test_units_may_have_any_name(self, folder_store: Store) -> None:
        names = {"0", "..", "a/b", "../../x", "é ü", ".", "a%2Fb"}
        with draft(folder_store) as d:
            for name in names:
                d.journal(name, [])
            assert d.done == names
        with draft(folder_store) as d:
            assert d.done == names


class TestResuming:
    def test_a_successor_keeps_what_is_journalled_and_deletes_the_rest(self, folder_store: Store) -> None:
        with draft(folder_store) as first:
            first.write("0", b"zero")
            first.journal("zero", ["0"])
            first.write("1", b"one")
            first.write("deep/2", b"two")
            first.scratch_write("checkpoint", b"epoch 3")
        assert folder_store.progress("encode", "k1") == 1
        with draft(folder_store) as second:
            assert second.attempt == first.attempt
            assert second.done == {"zero"}
            assert list(second.paths()) == ["0"]
            assert second.scratch_read("checkpoint") == b"epoch 3"
            assert second.scratch_read("another") is None
            second.write("1", b"one")
            output = second.publish({})
        assert [entry.path for entry in output.manifest.objects] == ["0", "1"]
        assert folder_store.progress("encode", "k1") == 0
        output.verify()

    @pytest.mark.parametrize("damage", [b"ZERO", b"zer", b"zero!", None])
    def test_a_journalled_unit_whose_bytes_changed_is_done_again(
        self, folder_store: Store, folder: Path, damage: bytes | None
    ) -> None:
        with draft(folder_store) as first:
            for name in ("0", "1", "2"):
                first.write(name, b"zero")
            first.journal("a", ["0", "1"])
            first.journal("b", ["2"])
        file = folder / "outputs/encode/k1" / first.attempt / "1"
        file.unlink() if damage is None else file.write_bytes(damage)
        with draft(folder_store) as second:
            assert second.done == {"b"}
            assert list(second.paths()) == ["2"]
            second.write("0", b"zero")
            second.write("1", b"zero")
            second.journal("a", ["0", "1"])

    @pytest.mark.parametrize("entry", ["", "{", "[]", '{"unit": "a"}', "\ufffd", "HOSTILE", "RENAMED"])
    def test_a_journal_that_says_nonsense_is_not_believed(self, folder_store: Store, folder: Path, entry: str) -> None:
        with draft(folder_store) as first:
            first.write("0", b"zero")
            first.journal("a", ["0"])
        (folder / "outputs/secret").write_bytes(b"zero")
        journal = folder / "outputs/encode/k1" / f"{first.attempt}.journal"
        (file,) = journal.iterdir()
        good = json.loads(file.read_text())
        if entry == "RENAMED":
            file.rename(journal / "unit-b.json")
        elif entry == "HOSTILE":
            good["objects"][0]["path"] = "../../../secret"
            file.write_text(json.dumps(good))
        else:
            file.write_text(entry)
        with draft(folder_store) as second:
            assert second.done == frozenset()
            assert list(second.paths()) == []
        assert (folder / "outputs/secret").read_bytes() == b"zero"

    def test_leftovers_of_a_killed_writer_are_cleaned(self, folder_store: Store, folder: Path) -> None:
        with draft(folder_store) as first:
            first.scratch_write("checkpoint", b"1")
            first.journal("a", [])
        place = folder / "outputs/encode/k1"
        leftover = ".0123456789abcdef.partial"
        places = [place, *(place / f"{first.attempt}{part}" for part in (".journal", ".scratch"))]
        for each in places:
            (each / leftover).write_bytes(b"half")
        assert folder_store.progress("encode", "k1") == 1
        with draft(folder_store) as second:
            assert second.done == {"a"}
        assert not [each for each in places if (each / leftover).exists()]

    def test_the_published_attempt_is_never_taken_over(self, folder_store: Store) -> None:
        with draft(folder_store) as first:
            first.write("x", b"1")
            first.publish({})
        with draft(folder_store) as second:
            assert second.attempt != first.attempt
        assert folder_store.output("encode", "k1").read_bytes("x") == b"1"

    @pytest.mark.parametrize("harm", [lambda b: b[:-1], lambda b: b"", lambda b: b[:40] + b"!" + b[41:]])
    def test_scratch_that_was_damaged_is_as_none(self, folder_store: Store, folder: Path, harm: Any) -> None:
        with draft(folder_store) as first:
            first.scratch_write("checkpoint", b"epoch 3, and all its numbers")
        (place,) = folder.glob("outputs/*/*/*.scratch/checkpoint")
        place.write_bytes(harm(place.read_bytes()))
        with draft(folder_store) as second:
            assert second.scratch_read("checkpoint") is None
            second.scratch_write("checkpoint", b"epoch 1")
            assert second.scratch_read("checkpoint") == b"epoch 1"

    @pytest.mark.parametrize("url", ["memory", "s3"], indirect=True)
    def test_elsewhere_a_successor_copies_what_is_finished(self, store: Store) -> None:
        with draft(store) as first:
            first.write("a", b"1" * 100)
            first.journal("a", ["a"])
            first.write("b", b"2")
            first.journal("b", ["b"])
            first.write("unfinished", b"3")
            first.scratch_write("checkpoint", b"4")
        store._root.put(f"outputs/encode/k1/{first.attempt}/b", b"!")
        assert store.progress("encode", "k1") == 2
        with draft(store) as second:
            assert second.attempt != first.attempt
            assert second.done == {"a"}
            assert list(second.paths()) == ["a"]
            assert second.scratch_read("checkpoint") == b"4"
            assert first.read("a") == b"1" * 100  # its owner may yet publish it
            output = second.publish({})
        assert output.read_bytes("a") == b"1" * 100

    def test_elsewhere_a_chain_of_killed_successors_loses_nothing(self) -> None:
        store = Store.open(f"memory://{os.urandom(8).hex()}")
        for unit in "abc":
            with draft(store) as each:
                each.write(unit, b"1")
                each.journal(unit, [unit])
        store._root.delete_all(f"outputs/encode/k1/{each.attempt}.journal")  # killed before it had copied them all
        with draft(store) as last:
            assert last.done == {"a", "b"}


class TestLock:
    def test_one_draft_at_a_time(self, folder_store: Store) -> None:
        with draft(folder_store):
            with pytest.raises(DraftLocked, match=f"encode/k1 .* process {os.getpid()} on .* run again"):
                draft(folder_store)
            draft(folder_store, "k2").close()
        draft(folder_store).close()

    def test_another_process_is_told_who_writes_and_a_dead_one_does_not_lock(self, folder: Path) -> None:
        program = (
            "import sys; from store import Store;"
            f"d = Store.open({str(folder)!r}).draft('encode', 'k1', recipe={{}}, inputs=[]);"
            "print('ready', flush=True); sys.stdin.read()"
        )
        with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout
            assert other.stdout.readline() == b"ready\n"
            store = Store.open(str(folder))
            with pytest.raises(DraftLocked, match=f"process {other.pid} on "):
                draft(store)
            other.kill()
        draft(store).close()

    def test_a_draft_that_could_not_begin_holds_no_lock(
        self, folder_store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with draft(folder_store) as first:
            first.journal("a", [])

        def broken(*_: object) -> None:
            raise StoreError("broken")

        with monkeypatch.context() as patched:
            patched.setattr("store.writing.journal.Journal.recover", broken)
            with pytest.raises(StoreError, match="broken"):
                draft(folder_store)
        draft(folder_store).close()


class TestNamesAndFormat:
    hostile = (
        "",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a//b",
        "a/./b",
        "a/",
        "..",
        ".",
        "a\\b",
        "..\\x",
        "C:/x",
        "C:x",
        "a\0b",
        "a\nb",
        "\ud800",
    )

    @pytest.mark.parametrize("path", hostile)
    def test_a_path_that_leaves_the_output_is_refused(self, store: Store, path: str) -> None:
        with draft(store) as d:
            for use in (d.write, d.scratch_write):
                with pytest.raises(UnsafePath):
                    use(path, b"x")
            with pytest.raises(UnsafePath):
                d.journal("a", [path])
            with pytest.raises(UnsafePath):
                d.scratch_read(path)

    @pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "a\\b", "C:", "a b", "x" * 300])
    def test_a_stage_or_key_that_cannot_be_a_folder_is_refused(self, store: Store, name: str) -> None:
        for stage, key in ((name, "k"), ("s", name)):
            with pytest.raises(UnsafePath):
                store.has(stage, key)
            with pytest.raises(UnsafePath):
                store.draft(stage, key, recipe={}, inputs=[])

    def test_opening_and_asking_write_nothing(self, folder: Path) -> None:
        store = Store.open(str(folder))
        assert not store.has("encode", "k1")
        assert store.progress("encode", "k1") == 0
        assert not folder.exists()

    def test_the_first_draft_says_the_format(self, folder_store: Store, folder: Path) -> None:
        draft(folder_store).close()
        assert json.loads((folder / "store.json").read_text()) == {"format": "harvest-store", "version": 1}
        Store.open(str(folder))

    @pytest.mark.parametrize("content", ['{"format":"harvest-store","version":2}', "{}", "nonsense", ""])
    def test_a_store_of_another_format_is_refused(self, folder: Path, content: str) -> None:
        folder.mkdir()
        (folder / "store.json").write_text(content)
        with pytest.raises(UnsupportedFormat, match=r"store\.json"):
            Store.open(str(folder))
