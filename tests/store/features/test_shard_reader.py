"""Values that are read directly are those that Zarr reads, and damage is found as it is there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Any

import google_crc32c
import numcodecs
import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from store import Store
from store.errors import CorruptObject
from store.features import FeatureArray, FeatureLayout, FeatureOutput, create, open_features, shard_index, write_shard
from store.features.row_selection import select_chunks
from store.reading.output import Output

from . import hostile_store
from .hostile_store import ATTEMPT, KEY, STAGE

MIB = 1 << 20
DTYPES = ("float16", "float32", "float64", "uint8", "bool", "int64", "complex64")
PATH = "x/c/0/0/0"
ROWS = 21

Damage = Callable[[bytearray], Any]


def publish(store: Store, values: np.ndarray[Any, Any], chunk: tuple[int, ...], per_shard: int = 8) -> FeatureOutput:
    """Publish values as the array x in chunks of this shape, which ours would have only if they were far larger."""
    array = FeatureArray("x", values.shape[1:], values.dtype.name, ("a", "b", "c")[: values.ndim - 1])
    layout = FeatureLayout(len(values), (array,), per_shard)
    with pytest.MonkeyPatch.context() as patch, store.draft(STAGE, KEY, recipe={}, inputs=[]) as draft:
        patch.setattr(FeatureArray, "chunk", lambda array, rows: chunk)
        create(draft, layout, {})
        for shard in range(layout.shards):
            rows = layout.rows_of(shard)
            write_shard(draft, layout, shard, {"x": values[rows.start : rows.stop]})
        return open_features(draft.publish({}))


def open_zarr(output: Output) -> zarr.Group:
    """Open a copy of an output's objects with Zarr itself."""
    buffer = default_buffer_prototype().buffer
    objects = MemoryStore({path: buffer.from_bytes(output.read_bytes(path)) for path in output.entries}, read_only=True)
    return zarr.open_group(objects, mode="r", zarr_format=3, use_consolidated=False)


def memory() -> Store:
    return Store.open(f"memory://{os.urandom(8).hex()}")


def example(rows: int, tail: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(rows)
    values = np.frombuffer(
        rng.bytes(rows * prod(tail) * np.dtype(dtype).itemsize), "bool" if dtype == "bool" else dtype
    )
    values = (values.view("uint8") > 127) if dtype == "bool" else values.copy()
    values[: len(values) // 2] = 0  # whole chunks of nothing but the fill value
    return values.reshape(rows, *tail)


class TestPicking:
    @given(st.lists(st.integers(0, 99), max_size=40), st.sampled_from([(8, 8), (8, 4), (12, 3), (1, 1)]))
    def test_every_row_finds_its_place(self, rows: list[int], cut: tuple[int, int]) -> None:
        found = np.full(len(rows), -1)
        for shard, picks in select_chunks(np.asarray(rows, np.int64), *cut).items():
            for each in picks:
                held = np.arange(cut[1]) + shard * cut[0] + each.band * cut[1]
                found[each.targets] = held[each.rows]
                placed = found[each.targets].tolist() == held.tolist() and isinstance(each.targets, slice)
                assert each.is_whole(cut[1]) == placed
        assert found.tolist() == rows

    def test_each_chunk_is_read_once_and_slices_are_found(self) -> None:
        picks = select_chunks(np.array([5, 9, 0, 1, 2, 3, 9]), 8, 4)
        assert {shard: [each.band for each in bands] for shard, bands in picks.items()} == {0: [0, 1], 1: [0]}
        assert (picks[0][0].rows, picks[0][0].targets) == (slice(0, 4), slice(2, 6))


class TestSameAsZarr:
    @given(st.data())
    @settings(deadline=None, max_examples=80)
    def test_any_layout_rows_and_type(self, data: st.DataObject) -> None:
        tail = tuple(data.draw(st.lists(st.integers(1, 7), max_size=3), "tail"))
        dtype = data.draw(st.sampled_from(DTYPES), "dtype")
        rows = data.draw(st.integers(1, 40), "rows")
        per_shard = data.draw(st.sampled_from([1, 2, 8]), "rows of a shard")
        sizes = (st.sampled_from([each for each in (1, 2, 8) if each <= per_shard]), *(st.integers(1, n) for n in tail))
        values = example(rows, tail, dtype)
        features = publish(memory(), values, data.draw(st.tuples(*sizes), "chunk"), per_shard)
        stored = open_zarr(features._output)["x"]
        for wanted in (None, *data.draw(st.lists(st.lists(st.integers(0, rows - 1)), max_size=4), "wanted")):
            found = features.read("x", wanted)
            zarrs = np.asarray(stored[:]) if wanted is None else np.asarray(stored[:])[wanted]
            assert (found.dtype, found.shape, found.tobytes()) == (zarrs.dtype, zarrs.shape, zarrs.tobytes())
            assert found.tobytes() == (values if wanted is None else values[wanted]).tobytes()

    def test_at_every_kind_of_root(self, store: Store) -> None:
        values = example_x()
        publish(store, values, CHUNK)
        for wanted in ([20, 3, 3, 0, 7, 8], range(8, 16), range(ROWS), [], None):
            anew = open_features(store.output(STAGE, KEY))
            for _ in range(2):
                np.testing.assert_array_equal(
                    anew.read("x", wanted), values if wanted is None else values[list(wanted)]
                )

    def test_by_many_threads(self) -> None:
        features, values = published(), example_x()
        wanted = [np.random.default_rng(seed).integers(0, ROWS, 30) for seed in range(40)]
        with ThreadPoolExecutor(8) as threads:
            for rows, found in zip(wanted, threads.map(lambda rows: features.read("x", rows), wanted), strict=True):
                np.testing.assert_array_equal(found, values[rows])

    @pytest.mark.parametrize("rows", [[ROWS], [-1], [0, 10**9]])
    def test_rows_that_are_not_there(self, rows: list[int]) -> None:
        with pytest.raises(IndexError, match="it has rows 0 to 20"):
            published().read("x", rows)


class TestWhatIsRead:
    def test_only_chunks_that_hold_wanted_rows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        features, ranges = published(), []
        read_range = Output.read_range

        def counted(output: Output, path: str, start: int, stop: int) -> bytes:
            ranges.append((path, start, stop))
            return read_range(output, path, start, stop)

        monkeypatch.setattr(Output, "read_range", counted)
        features.read("x", [1, 0, 1])  # of one band, six chunks, and the index
        assert {path for path, *_ in ranges} == {PATH}
        assert len(ranges) == 7
        ranges.clear()
        features.read("x", [2])  # the index is known by now
        assert len(ranges) == 6

    def test_a_shard_of_which_all_is_wanted_is_read_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        features = published()
        monkeypatch.setattr(Output, "read_range", lambda *_: pytest.fail("read in pieces"))
        np.testing.assert_array_equal(features.read("x"), example_x())

    def test_one_that_is_far_larger_than_its_values_is_not(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        features = damaged(tmp_path, lambda shard: shard[:-INDEX] + bytes(2 * MIB) + shard[-INDEX:])
        read_bytes = Output.read_bytes

        def counted(output: Output, path: str) -> bytes:
            assert path != PATH
            return read_bytes(output, path)

        monkeypatch.setattr(Output, "read_bytes", counted)
        np.testing.assert_array_equal(features.read("x"), example_x())

    def test_few_indexes_are_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        features = published()
        monkeypatch.setattr(shard_index, "_CACHE_BYTES", 500)  # one has 192
        for _ in range(2):
            np.testing.assert_array_equal(features.read("x", [0, 9, 20]), example_x()[[0, 9, 20]])
            assert len(features._reader._indexes._tables) <= 2


class TestDamage:
    """The hashes in the manifest are right: it was published so."""

    @given(st.integers(0, 10**9), st.integers(0, 7))
    @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_bit(self, tmp_path: Path, place: int, bit: int) -> None:
        def flip(shard: bytearray) -> None:
            shard[place % len(shard)] ^= 1 << bit

        refused(damaged(tmp_path, flip), "checksum")

    @given(st.floats(0, 1, exclude_max=True))
    @settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_truncation(self, tmp_path: Path, part: float) -> None:
        refused(damaged(tmp_path, lambda shard: shard[: int(part * len(shard))]), "checksum|index")

    @pytest.mark.parametrize(
        ("start", "length", "words"),
        [
            (2**64 - 1, 2**64 - 1, "leaves chunks out"),
            (2**63, 10, "beyond its end"),
            (0, 2**63, "beyond its end"),
            (10**6, 10, "beyond its end"),
            (2**64 - 4, 8, "beyond its end"),
            (0, 0, "leaves chunks out"),
            (0, 3, "checksum"),
            (1, 30, "checksum"),
        ],
    )
    def test_an_index_that_lies(self, tmp_path: Path, start: int, length: int, words: str) -> None:
        refused(damaged(tmp_path, lambda shard: indexed(shard, start, length)), words)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (numcodecs.Zstd().encode(bytes(100 * MIB)), "unpacks to 104857600 bytes"),
            (numcodecs.Zstd().encode(bytes(1)), "unpacks to 1 bytes"),
            (b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 8 + bytes(20), f"unpacks to {2**64 - 1} bytes"),
            (bytes(40), "does not tell its size"),
            (os.urandom(3 * MIB), "more than 2 MiB, compressed"),
        ],
    )
    def test_a_chunk_that_lies(self, tmp_path: Path, content: bytes, words: str) -> None:
        def replace(shard: bytearray) -> bytes:
            sealed = bytes(content) + google_crc32c.value(bytes(content)).to_bytes(4, "little")
            body, index = shard[:-INDEX], shard[-INDEX:]
            return indexed(body + sealed + index, len(body), len(sealed))

        refused(damaged(tmp_path, replace), words)

    @given(st.data())
    @settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_what_is_read_is_what_zarr_reads(self, tmp_path: Path, data: st.DataObject) -> None:
        """Chunks of random bytes or at random places, their checksums right: refused, or read as Zarr reads them."""

        def damage(shard: bytearray) -> bytes:
            chunk = data.draw(st.integers(0, 11))
            start, length = entry(shard, chunk)
            for _ in range(data.draw(st.integers(0, 3))):
                shard[start + data.draw(st.integers(0, length - 5))] = data.draw(st.integers(0, 255))
            shard[start + length - 4 : start + length] = seal(shard[start : start + length - 4])
            if data.draw(st.integers(0, 3)) == 0:
                start, length = data.draw(st.tuples(st.integers(0, 3000), st.integers(0, 100)))
            return indexed(shard, start, length, chunk)

        features = damaged(tmp_path, damage)
        for rows in (range(8), range(4), range(5, 6)):
            with suppress(CorruptObject):
                values = features.read("x", rows)
                zarrs = open_zarr(features._output)["x"]
                assert values.tobytes() == np.asarray(zarrs[rows.start : rows.stop]).tobytes()  # type: ignore[index]

    @pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: os.truncate(file, 500)])
    @pytest.mark.parametrize("rows", [None, [0]])
    def test_a_shard_that_changes_while_it_is_read(self, tmp_path: Path, damage: Any, rows: Any) -> None:
        features = damaged(tmp_path, lambda shard: None)
        features.read("x", rows)
        damage(tmp_path / "hostile" / "outputs" / STAGE / KEY / ATTEMPT / PATH)
        with pytest.raises(CorruptObject, match="changed after it was published") as error:
            features.read("x", rows)
        assert error.value.path == PATH

    def test_bytes_that_change_while_they_are_read(self, tmp_path: Path) -> None:
        features = damaged(tmp_path, lambda shard: None)
        features.read("x")
        file = tmp_path / "hostile" / "outputs" / STAGE / KEY / ATTEMPT / PATH
        file.write_bytes(bytes(file.stat().st_size))
        for rows in (None, [0]):
            with pytest.raises(CorruptObject, match=r"holds a chunk that cannot be unpacked: .* checksum") as error:
                features.read("x", rows)
            assert (error.value.stage, error.value.key, error.value.path) == (STAGE, KEY, PATH)


CHUNK = (4, 2, 3)
INDEX = 12 * 16 + 4  # of a shard of `published`


def example_x() -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).normal(size=(ROWS, 5, 6)).astype("float32")


def published() -> FeatureOutput:
    """Return three shards of 8 rows, the last one partial, of two bands of six chunks each."""
    return publish(memory(), example_x(), CHUNK)


def damaged(folder: Path, damage: Damage) -> FeatureOutput:
    """Return `published` with its first shard damaged, in a folder; `damage` changes or returns it."""
    output = published()._output
    objects = {path: output.read_bytes(path) for path in output.entries}
    shard = bytearray(objects[PATH])
    changed = damage(shard)
    objects[PATH] = bytes(shard if changed is None else changed)
    manifest = json.loads(output._backend.read(f"outputs/{STAGE}/{KEY}/manifest.json"))
    manifest["attempt"] = ATTEMPT
    content = json.dumps(hostile_store.listed(manifest, objects)).encode()
    return open_features(hostile_store.write(folder / "hostile", content, objects).output(STAGE, KEY))


def refused(features: FeatureOutput, words: str) -> None:
    for rows in (None, range(8), [5, 1]):
        with pytest.raises(CorruptObject, match=words) as error:
            features.read("x", rows)
        assert (error.value.stage, error.value.key, error.value.path) == (STAGE, KEY, PATH)
    np.testing.assert_array_equal(features.read("x", range(8, ROWS)), example_x()[8:])


def seal(content: bytes | bytearray) -> bytes:
    return int(google_crc32c.value(bytes(content))).to_bytes(4, "little")


def entry(shard: bytearray, chunk: int) -> tuple[int, int]:
    index = np.frombuffer(bytes(shard[-INDEX:-4]), "<u8").reshape(12, 2)
    return int(index[chunk, 0]), int(index[chunk, 1])


def indexed(shard: bytearray, start: int, length: int, chunk: int = 0) -> bytes:
    """Return a shard whose index says so of one chunk, with the right checksum."""
    index = np.frombuffer(bytes(shard[-INDEX:-4]), "<u8").reshape(12, 2).copy()
    index[chunk] = start, length
    return bytes(shard[:-INDEX]) + index.tobytes() + seal(index.tobytes())
