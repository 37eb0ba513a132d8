"""Several write one output: nobody who outlives its owner can harm what was made without it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from store import Store
from store.errors import NotShared, ObjectTaken, StoreError
from store.features import FeatureArray, FeatureLayout, create, open_features, pending, write_shard
from store.writing.draft import Draft

LAYOUT = FeatureLayout(
    20,
    (
        FeatureArray("features", (3, 4), "float32", ("patch", "feature")),
        FeatureArray("valid", (3,), "bool", ("patch",)),
    ),
    4,
)


def draft(store: Store) -> Draft:
    return store.draft("encode", "k1", recipe={"raw": {"x": "0" * 64}}, inputs=[])


def values(shard: int) -> dict[str, np.ndarray]:
    return {"features": np.full((4, 3, 4), shard + 0.5, "float32"), "valid": np.ones((4, 3), bool)}


def left_behind(store: Store, attempt: str) -> list[str]:
    return [path for path in store._root.list_paths("outputs/encode/k1") if f"/{attempt}" in path]


class TestTogether:
    def test_shards_of_several_writers_are_one_output(self, store: Store) -> None:
        with draft(store) as owner:
            create(owner, LAYOUT, {})
            owner.share()
            workers = [store.open_shared_writer("encode", "k1", owner.attempt) for _ in range(3)]
            for shard in pending(owner, LAYOUT):
                write_shard(workers[shard % 3], LAYOUT, shard, values(shard))
                assert str(shard) not in owner.done
                assert owner.accept_unit(str(shard))
            assert pending(owner, LAYOUT) == []
            output = owner.publish({})
        output.verify()
        features = open_features(output)
        np.testing.assert_array_equal(features.read("features")[:, 0, 0], np.repeat(np.arange(5) + 0.5, 4))
        assert features.read("valid").all()
        assert left_behind(store, f"{owner.attempt}.") == []

    def test_who_joins_can_neither_delete_nor_change(self, store: Store) -> None:
        with draft(store) as owner:
            owner.share()
            worker = store.open_shared_writer("encode", "k1", owner.attempt)
            worker.write("a", b"1")
            with pytest.raises(NotShared, match="owner alone"):
                worker.delete("a")
            worker.write("a", b"1")  # the same again: a shard that was done twice
            other = store.open_shared_writer("encode", "k1", owner.attempt)
            with pytest.raises(ObjectTaken, match="other bytes") as raised:
                other.write("a", b"2")
            assert raised.value.path == "a"
            assert owner.read("a") == b"1"
            assert not hasattr(worker, "publish")
            with pytest.raises(NotShared, match="owner alone"):
                worker.restart()
            assert owner.read("a") == b"1"

    def test_a_shard_done_twice_counts_once(self, store: Store) -> None:
        with draft(store) as owner:
            owner.share()
            for _ in range(2):
                worker = store.open_shared_writer("encode", "k1", owner.attempt)
                worker.write("a", b"1")
                worker.journal("unit", ["a"])
            assert owner.accept_unit("unit")
            assert owner.accept_unit("unit")
            output = owner.publish({})
        assert [entry.path for entry in output.manifest.objects] == ["a"]

    def test_what_a_dead_worker_left_half_done_is_deleted_by_the_owner(self, store: Store) -> None:
        with draft(store) as owner:
            owner.share()
            store.open_shared_writer("encode", "k1", owner.attempt).write("a", b"another kind of machine")
            owner.delete("a")
            worker = store.open_shared_writer("encode", "k1", owner.attempt)
            worker.write("a", b"1")
            worker.journal("unit", ["a"])
            assert owner.accept_unit("unit")
            assert owner.publish({}).read_bytes("a") == b"1"

    def test_an_attempt_that_nobody_shares_cannot_be_joined(self, store: Store) -> None:
        with draft(store) as owner:
            owner.write("a", b"1")
            for attempt in (owner.attempt, "20260101T000000000000Z-00000000", "../../x"):
                with pytest.raises(NotShared):
                    store.open_shared_writer("encode", "k1", attempt)


class TestReadingBack:
    @pytest.mark.parametrize("harm", [b"ONE", b"on", None])
    def test_a_unit_that_is_not_what_its_journal_says_is_done_again(self, store: Store, harm: bytes | None) -> None:
        with draft(store) as owner:
            owner.share()
            worker = store.open_shared_writer("encode", "k1", owner.attempt)
            worker.write("a", b"one")
            worker.journal("unit", ["a"])
            place = f"outputs/encode/k1/{owner.attempt}/a"
            store._root.delete(place) if harm is None else store._root.put(place, harm)
            assert not owner.accept_unit("unit")
            assert owner.size("a") is None
            again = store.open_shared_writer("encode", "k1", owner.attempt)
            again.write("a", b"one")
            again.journal("unit", ["a"])
            assert owner.accept_unit("unit")

    def test_a_unit_that_nobody_journalled_is_not_there(self, store: Store) -> None:
        with draft(store) as owner:
            owner.share()
            assert not owner.accept_unit("unit")

    def test_a_unit_cannot_bring_objects_of_another(self, store: Store) -> None:
        with draft(store) as owner:
            owner.write("a", b"1")
            owner.journal("mine", ["a"])
            owner.share()
            worker = store.open_shared_writer("encode", "k1", owner.attempt)
            worker.journal("theirs", ["a"])
            assert not owner.accept_unit("theirs")
            assert owner.read("a") == b"1"


class TestZombies:
    def test_late_writes_into_a_published_output_are_refused(self, store: Store) -> None:
        with draft(store) as owner:
            owner.share()
            zombie = store.open_shared_writer("encode", "k1", owner.attempt)
            worker = store.open_shared_writer("encode", "k1", owner.attempt)
            worker.write("a", b"1")
            worker.journal("unit", ["a"])
            owner.accept_unit("unit")
            output = owner.publish({})
        with pytest.raises(ObjectTaken):
            zombie.write("a", b"2")
        zombie.write("a", b"1")
        with pytest.raises(NotShared, match="it was finished"):
            zombie.journal("unit", ["a"])
        output.verify()
        assert store.progress("encode", "k1") == 0

    def test_a_successor_keeps_what_is_journalled_and_is_out_of_reach(self, store: Store) -> None:
        with draft(store) as first:
            create(first, LAYOUT, {})
            first.share()
            zombie = store.open_shared_writer("encode", "k1", first.attempt)
            write_shard(zombie, LAYOUT, 0, values(0))
            zombie.write("features/c/1/0/0", b"half a shard")
        assert store.progress("encode", "k1") == 1
        with draft(store) as second:
            assert second.attempt != first.attempt
            create(second, LAYOUT, {})
            assert pending(second, LAYOUT) == [1, 2, 3, 4]
            for shard in (1, 2):
                write_shard(second, LAYOUT, shard, values(shard))
            zombie = store.open_shared_writer("encode", "k1", first.attempt)  # it does not know yet
            for shard in (2, 3):
                write_shard(zombie, LAYOUT, shard, {**values(shard), "features": np.full((4, 3, 4), 9, "float32")})
            for shard in (3, 4):
                write_shard(second, LAYOUT, shard, values(shard))
            output = second.publish({})
        output.verify()
        np.testing.assert_array_equal(open_features(output).read("features")[:, 0, 0], np.repeat(np.arange(5) + 0.5, 4))

    def test_on_a_folder_shards_are_linked_and_nothing_stays_behind(self, folder_store: Store, folder: Path) -> None:
        with draft(folder_store) as first:
            first.share()
            zombie = folder_store.open_shared_writer("encode", "k1", first.attempt)
            zombie.write("a", b"1")
            zombie.journal("unit", ["a"])
        (before,) = folder.glob("outputs/*/*/*/a")
        identity = (before.stat().st_ino, before.stat().st_mtime_ns)
        with draft(folder_store) as second:
            output = second.publish({})
        after = Path(output.url, "a")
        assert (after.stat().st_ino, after.stat().st_mtime_ns) == identity
        assert left_behind(folder_store, first.attempt) == []
        with pytest.raises(NotShared):
            zombie.journal("late", [])
        zombie.write("late", b"!")
        scraps = folder_store.garbage_collection(grace_s=0).garbage
        assert [(scrap.kind, scrap.path) for scrap in scraps] == [("attempt", f"outputs/encode/k1/{first.attempt}")]

    def test_a_file_system_without_links_copies(
        self, folder_store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with draft(folder_store) as first:
            first.share()
            worker = folder_store.open_shared_writer("encode", "k1", first.attempt)
            worker.write("a", b"1")
            worker.journal("unit", ["a"])

        def no_link(*_: object) -> None:
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(os, "link", no_link)
        with draft(folder_store) as second:
            assert second.done == {"unit"}
            assert second.read("a") == b"1"


class TestChains:
    """Runs that are killed one after another, each open to others or not."""

    @pytest.mark.parametrize("shared", [(True, True, True), (False, True, False), (True, False, True), (False,) * 3])
    def test_nothing_journalled_is_lost(self, store: Store, shared: tuple[bool, ...]) -> None:
        attempts: list[str] = []
        for turn, is_shared in enumerate(shared):
            with draft(store) as owner:
                attempts.append(owner.attempt)
                assert owner.done == {str(earlier) for earlier in range(turn)}
                if is_shared:
                    owner.share()
                writer = store.open_shared_writer("encode", "k1", owner.attempt) if is_shared else owner
                writer.write(f"part/{turn}", b"x")
                writer.journal(str(turn), [f"part/{turn}"])
        with draft(store) as last:
            assert last.done == {"0", "1", "2"}
            assert last.attempt not in [a for a, is_shared in zip(attempts, shared, strict=True) if is_shared]
            output = last.publish({})
        assert [entry.path for entry in output.manifest.objects] == ["part/0", "part/1", "part/2"]

    def test_on_a_folder_an_attempt_of_ones_own_is_gone_on_with(self, folder_store: Store) -> None:
        with draft(folder_store) as first:
            first.share()
            late = folder_store.open_shared_writer("encode", "k1", first.attempt)
            late.write("a", b"1")
            late.journal("a", ["a"])
        with draft(folder_store) as second:
            second.write("b", b"2")
            second.journal("b", ["b"])
            second.write("c", b"unfinished")
        late.write("c", b"3")
        late.journal("c", ["c"])
        with draft(folder_store) as third:
            assert third.attempt == second.attempt
            assert third.done == {"a", "b", "c"}
            assert third.read("c") == b"3"

    def test_shards_cut_otherwise_never_come_back(self, store: Store) -> None:
        other = FeatureLayout(LAYOUT.rows, LAYOUT.arrays, 2)
        with draft(store) as first:
            create(first, LAYOUT, {})
            first.share()
            write_shard(store.open_shared_writer("encode", "k1", first.attempt), LAYOUT, 0, values(0))
        with draft(store) as second:
            create(second, other, {})
            assert len(pending(second, other)) == 10
        with draft(store) as third:
            create(third, other, {})
            assert len(pending(third, other)) == 10

    def test_a_killed_successor_loses_nothing(self, folder_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is stopped before each link that it makes, and the next one goes on."""
        with draft(folder_store) as first:
            first.share()
            worker = folder_store.open_shared_writer("encode", "k1", first.attempt)
            for unit in "abc":
                worker.write(unit, unit.encode())
                worker.journal(unit, [unit])
        link: Callable[..., None] = os.link
        for stop in range(1, 40):
            left = [stop]

            def counted(*arguments: str, left: list[int] = left) -> None:
                left[0] -= 1
                if left[0] <= 0:
                    raise StoreError("killed")
                link(*arguments)

            with monkeypatch.context() as patched:
                patched.setattr(os, "link", counted)
                try:
                    draft(folder_store).close()
                    break
                except StoreError:
                    continue
        assert stop > 3
        with draft(folder_store) as last:
            assert last.done == {"a", "b", "c"}
            last.publish({}).verify()
