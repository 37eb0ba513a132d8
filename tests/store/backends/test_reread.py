"""One wrong reading condemns nothing: what is right the next time is used, kept, and told of."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store import Store
from store.errors import CorruptManifest, CorruptObject
from store.features import FeatureArray, FeatureLayout, create, open_features, write_shard
from store.manifest.checksums import entry_of_object
from store.transfer import copy_output

LAYOUT = FeatureLayout(100, (FeatureArray("features", (3, 5), "float32", ("patch", "feature")),))
VALUES = np.random.default_rng(0).normal(size=(100, 3, 5)).astype("float32")
SHARD = "features/c/0/0/0"

Wrong = Callable[..., None]


def flipped(data: Any) -> bytes:
    changed = bytearray(data)
    if changed:
        changed[len(changed) // 2] ^= 1
    return bytes(changed)


@pytest.fixture
def published(store: Store) -> Store:
    with store.draft("encode", "k1", recipe={}, inputs=[]) as draft:
        create(draft, LAYOUT, {})
        for shard in range(LAYOUT.shards):
            rows = LAYOUT.rows_of(shard)
            write_shard(draft, LAYOUT, shard, {"features": VALUES[rows.start : rows.stop]})
        draft.write("table.json", b'{"x": 1}')
        draft.publish({})
    return store


@pytest.fixture
def wrong(store: Store, monkeypatch: pytest.MonkeyPatch) -> Wrong:
    """A function that has the next readings of an object come out wrong: as the medium, not the file, would."""
    left: dict[str, int] = {}
    read, stream = type(store._root).read, type(store._root).stream

    def is_wrong(path: str) -> bool:
        for ending, count in left.items():
            if path.endswith(ending) and count:
                left[ending] -= 1
                return True
        return False

    def read_wrong(backend: Any, path: str, *where: Any) -> bytes:
        return flipped(read(backend, path, *where)) if is_wrong(path) else read(backend, path, *where)

    def stream_wrong(backend: Any, path: str) -> Iterator[bytes]:
        bad = is_wrong(path)
        for piece in stream(backend, path):
            yield flipped(piece) if bad else bytes(piece)
            bad = False

    monkeypatch.setattr(type(store._root), "read", read_wrong)
    monkeypatch.setattr(type(store._root), "stream", stream_wrong)
    return lambda ending, times=1: left.__setitem__(ending, times)


READERS: dict[str, tuple[str, Callable[[Store], Any]]] = {
    "all of it": ("table.json", lambda store: store.output("encode", "k1").verify()),
    "a small object": ("table.json", lambda store: store.output("encode", "k1").read_json("table.json", dict)),
    "a shard whole": (SHARD, lambda store: open_features(store.output("encode", "k1")).read("features")),
    "a shard in part": (SHARD, lambda store: open_features(store.output("encode", "k1")).read("features", [3, 1])),
    "metadata": ("features/zarr.json", lambda store: open_features(store.output("encode", "k1"))),
    "a manifest": ("manifest.json", lambda store: store.output("encode", "k1")),
}


@pytest.mark.parametrize("what", READERS)
class TestReaders:
    def test_once_is_told_and_no_more(
        self, published: Store, wrong: Wrong, what: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        path, read = READERS[what]
        wrong(path)
        with caplog.at_level(logging.WARNING):
            read(published)
        (record,) = caplog.records
        for words in (path, published.url, "read wrong once", "disk, the memory or the network"):
            assert words in record.getMessage()
        assert "\n" not in record.getMessage()
        caplog.clear()
        read(published)
        assert not caplog.records

    def test_twice_is_damage(self, published: Store, wrong: Wrong, what: str) -> None:
        path, read = READERS[what]
        wrong(path, 99)
        with pytest.raises((CorruptObject, CorruptManifest)):
            read(published)


@pytest.mark.parametrize("rows", [None, [3, 1]], ids=["whole", "in part"])
def test_a_reading_after_the_object_was_checked(published: Store, wrong: Wrong, rows: Any, caplog: Any) -> None:
    """Its hash is not taken again; the checksums of chunks and indexes find it."""
    features = open_features(published.output("encode", "k1"))
    features.read("features")
    wrong(SHARD)
    np.testing.assert_array_equal(features.read("features", rows), VALUES if rows is None else VALUES[rows])
    assert "read wrong once" in caplog.text


def test_the_message_states_what_that_very_reading_found(published: Store, wrong: Wrong) -> None:
    output = published.output("encode", "k1")
    prefix = f"outputs/encode/k1/{output.manifest.attempt}"
    for read in (output.check, output.read_bytes):
        wrong("table.json", 2)
        with pytest.raises(CorruptObject) as error:
            read("table.json")
        told = str(error.value).partition("found ")[2]
        assert output.entries["table.json"].sha256 not in told
        wrong("table.json", 1)
        found = entry_of_object(published._root, prefix, "table.json")
        assert found is not None
        assert found.sha256 in told


def test_checking_counts_it(published: Store, wrong: Wrong) -> None:
    for path in (SHARD, "manifest.json"):
        wrong(path)
        checked = published.verify("encode", "k1")
        assert checked is not None
        assert not checked.damage
        (line,) = checked.misread
        assert path in line
    wrong(SHARD, 2)
    checked = published.verify("encode", "k1")
    assert checked is not None
    (damage,) = checked.damage
    assert damage.expected != damage.found
    assert not checked.misread


def test_copying(published: Store, wrong: Wrong, tmp_path: Path, caplog: Any) -> None:
    told: list[int] = []
    wrong(SHARD)
    copied = copy_output(
        published, Store.open(str(tmp_path / "copy")), "encode", "k1", lambda done, total: told.append(done)
    )
    assert told[-1] == copied.bytes
    assert "read wrong once" in caplog.text
    Store.open(str(tmp_path / "copy")).output("encode", "k1").verify()


def test_what_is_really_damaged_is_read_from_the_medium(folder_store: Store, folder: Path) -> None:
    """The page cache is let go of; the file is as before."""
    folder.mkdir(exist_ok=True)
    (folder / "x").write_bytes(b"x" * 100_000)
    folder_store._root.drop_cached("x")
    folder_store._root.drop_cached("not there")
    assert (folder / "x").read_bytes() == b"x" * 100_000
