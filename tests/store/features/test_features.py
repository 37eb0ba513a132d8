from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorstore
import xarray
import zarr
from hypothesis import given
from hypothesis import strategies as st

from store import Store
from store.errors import LayoutError
from store.features import FeatureArray, FeatureLayout, create, open_features, pending, write_shard
from store.writing.draft import Draft
from store.writing.zarr_view import DraftZarrStore

MIB = 1 << 20

ARRAYS = (
    FeatureArray("features", (4, 50, 900), "float32", ("patch", "time", "feature")),
    FeatureArray("valid", (4,), "bool", ("patch",)),
    FeatureArray("half", (3,), "float16", ("coefficient",)),
    FeatureArray("length", (), "int64", ()),
)


def example(rows: int) -> dict[str, np.ndarray[Any, Any]]:
    random = np.random.default_rng(rows)
    return {
        "features": random.integers(-3, 3, (rows, 4, 50, 900)).astype("float32"),
        "valid": np.zeros((rows, 4), bool),  # nothing but the fill value
        "half": random.normal(size=(rows, 3)).astype("float16"),
        "length": np.arange(rows),
    }


def write(draft: Draft, layout: FeatureLayout, values: dict[str, np.ndarray[Any, Any]], shard: int) -> None:
    rows = layout.rows_of(shard)
    write_shard(draft, layout, shard, {name: array[rows.start : rows.stop] for name, array in values.items()})


def begin(store: Store) -> Draft:
    return store.draft("encode", "k1", recipe={}, inputs=[])


class TestLayout:
    sizes = st.lists(st.integers(1, 3000), max_size=3).map(tuple)

    @given(sizes, st.sampled_from(["bool", "float16", "float32", "float64"]), st.integers(1, 10_000))
    def test_shards_and_chunks_keep_their_limits(self, tail: Any, dtype: str, rows: int) -> None:
        array = FeatureArray("x", tail, dtype, tuple("abc"[: len(tail)]))
        if array.row_bytes > 256 * MIB:
            with pytest.raises(LayoutError, match="256 MiB"):
                FeatureLayout(rows, (array,))
            return
        layout = FeatureLayout(rows, (array,))
        item = np.dtype(dtype).itemsize
        assert layout.rows_per_shard * array.row_bytes <= 256 * MIB
        assert layout.rows_per_shard == 64 or 2 * layout.rows_per_shard * array.row_bytes > 256 * MIB
        chunk, shard = array.chunk(layout.rows_per_shard), array.shard(layout.rows_per_shard)
        assert prod(chunk) * item <= MIB
        whole = layout.rows_per_shard * array.row_bytes
        assert prod(chunk) * item > MIB // 2 or prod(chunk) * item == whole or len(tail) > 1 or item > 1
        assert prod(chunk) * item > 0.33 * MIB or whole <= MIB
        assert shard[0] == layout.rows_per_shard
        for size, piece, cut in zip((64, *tail), shard, chunk, strict=True):
            assert piece % cut == 0
            assert piece < size + cut or size == 64

    @given(st.integers(1, 10_000), st.sampled_from([1, 2, 16, 64]))
    def test_every_row_is_in_exactly_one_shard(self, rows: int, per_shard: int) -> None:
        layout = FeatureLayout(rows, (FeatureArray("x", (1,), "int8", ("a",)),), per_shard)
        covered = [row for shard in range(layout.shards) for row in layout.rows_of(shard)]
        assert covered == list(range(rows))

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: FeatureArray("a/b", (1,), "int8", ("a",)), "named"),
            (lambda: FeatureArray("..", (1,), "int8", ("a",)), "named"),
            (lambda: FeatureArray("x", (1,), "int8", ()), "dimensions"),
            (lambda: FeatureArray("x", (1,), "int8", ("recording",)), "dimensions"),
            (lambda: FeatureArray("x", (1, 1), "int8", ("a", "a")), "dimensions"),
            (lambda: FeatureArray("x", (0,), "int8", ("a",)), "at least 1"),
            (lambda: FeatureArray("x", (1,), "object", ("a",)), "numbers only"),
            (lambda: FeatureArray("x", (1,), "U8", ("a",)), "numbers only"),
            (lambda: FeatureArray("x", (1,), "float31", ("a",)), "numbers only"),
            (lambda: FeatureLayout(0, ARRAYS), "needs rows"),
            (lambda: FeatureLayout(1, ()), "needs rows"),
            (lambda: FeatureLayout(1, (ARRAYS[0], ARRAYS[0])), "share a name"),
            (
                lambda: FeatureLayout(1, (ARRAYS[0], FeatureArray("x", (5,), "int8", ("patch",)))),
                "'patch' has size 4 and, in x, 5",
            ),
            (lambda: FeatureLayout(1, ARRAYS, 128), "power of two up to 64"),
            (lambda: FeatureLayout(1, ARRAYS, 3), "power of two"),
            (lambda: FeatureLayout(1, ARRAYS).rows_of(1), "no shard 1"),
        ],
    )
    def test_a_layout_that_cannot_be_is_explained(self, make: Any, words: str) -> None:
        with pytest.raises(LayoutError, match=words):
            make()


@pytest.mark.parametrize("rows", [1, 64, 70])
def test_what_was_written_is_read_back(store: Store, rows: int) -> None:
    layout, values = FeatureLayout(rows, ARRAYS), example(rows)
    with begin(store) as draft:
        create(draft, layout, {"modality": "skeleton", "levels": [1, 2.5, None]})
        for shard in reversed(pending(draft, layout)):
            write(draft, layout, values, shard)
        assert pending(draft, layout) == []
        output = draft.publish({})
    features = open_features(output)
    assert features.attributes == {"modality": "skeleton", "levels": [1, 2.5, None]}
    assert features.rows == rows
    assert features.names == ("features", "half", "length", "valid")
    for name, expected in values.items():
        np.testing.assert_array_equal(features.read(name), expected, strict=True)
        some = [rows - 1, 0, rows // 2, 0]
        np.testing.assert_array_equal(features.read(name, some), expected[some], strict=True)
        assert (features.array(name).shape, features.array(name).dtype) == (expected.shape, expected.dtype)
    with pytest.raises(LayoutError, match="no array 'other'; it has features, half"):
        features.read("other")


def test_every_shard_is_one_object_even_where_it_holds_only_zeros(store: Store) -> None:
    layout = FeatureLayout(70, ARRAYS)
    values = {name: np.zeros_like(array) for name, array in example(70).items()}
    with begin(store) as draft:
        create(draft, layout, {})
        for shard in range(layout.shards):
            write(draft, layout, values, shard)
        output = draft.publish({})
    shards = [path for path in output.entries if not path.endswith("zarr.json")]
    assert sorted(shards) == sorted(
        f"{array.name}/c/{shard}{'/0' * len(array.shape_tail)}" for array in ARRAYS for shard in (0, 1)
    )


def test_shards_are_written_by_many_threads(folder_store: Store) -> None:
    from concurrent.futures import ThreadPoolExecutor

    layout = FeatureLayout(40, ARRAYS[1:], 4)
    values = {name: array for name, array in example(40).items() if name != "features"}
    with begin(folder_store) as draft, ThreadPoolExecutor(4) as threads:
        create(draft, layout, {})
        list(threads.map(lambda shard: write(draft, layout, values, shard), range(layout.shards)))
        features = open_features(draft.publish({}))
    for name, expected in values.items():
        np.testing.assert_array_equal(features.read(name), expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v.pop("valid"), r"the layout has \['features', 'half', 'length', 'valid'\]"),
        (lambda v: v.update(more=v["valid"]), "more"),
        (lambda v: v.update(valid=v["valid"][:-1]), r"shard 0 of valid is bool \(63, 4\)"),
        (lambda v: v.update(half=v["half"].astype("float32")), "shard 0 of half is float32"),
    ],
)
def test_a_shard_that_does_not_fit_is_refused_before_anything_is_written(store: Store, change: Any, words: str) -> None:
    layout, values = FeatureLayout(64, ARRAYS), example(64)
    change(values)
    with begin(store) as draft:
        create(draft, layout, {})
        before = sorted(draft.paths())
        with pytest.raises(LayoutError, match=words):
            write_shard(draft, layout, 0, values)
        assert sorted(draft.paths()) == before


class TestResuming:
    def test_journalled_shards_stay_and_the_others_are_pending(self, folder_store: Store) -> None:
        layout, values = FeatureLayout(40, ARRAYS, 8), example(40)
        with begin(folder_store) as draft:
            create(draft, layout, {})
            for shard in (3, 1):
                write(draft, layout, values, shard)
        assert folder_store.progress("encode", "k1") == 2
        with begin(folder_store) as draft:
            create(draft, layout, {})
            create(draft, layout, {})
            assert pending(draft, layout) == [0, 2, 4]
            for shard in pending(draft, layout):
                write(draft, layout, values, shard)
            features = open_features(draft.publish({}))
        for name, expected in values.items():
            np.testing.assert_array_equal(features.read(name), expected)

    def test_shards_cut_by_another_layout_are_not_mixed_in(self, folder_store: Store) -> None:
        values = example(40)
        with begin(folder_store) as draft:
            layout = FeatureLayout(40, ARRAYS, 8)
            create(draft, layout, {})
            write(draft, layout, values, 1)
            write(draft, layout, values, 4)
        with begin(folder_store) as draft:
            layout = FeatureLayout(40, ARRAYS, 16)
            create(draft, layout, {})
            assert pending(draft, layout) == [0, 1, 2]
            for shard in pending(draft, layout):
                write(draft, layout, values, shard)
            output = draft.publish({})
        for name, expected in values.items():
            np.testing.assert_array_equal(open_features(output).read(name), expected)
        assert "features/c/4/0/0/0" not in output.entries


class TestOtherReaders:
    """Zarr is a format, not a library: others find the same values under the same names."""

    @pytest.fixture
    def published(self, folder_store: Store) -> tuple[str, dict[str, np.ndarray[Any, Any]]]:
        layout, values = FeatureLayout(70, ARRAYS), example(70)
        with begin(folder_store) as draft:
            create(draft, layout, {"modality": "depth"})
            for shard in range(layout.shards):
                write(draft, layout, values, shard)
            return draft.publish({}).url, values

    def test_xarray_opens_it_by_dimension_names(self, published: Any) -> None:
        url, values = published
        with xarray.open_zarr(url, consolidated=False, chunks=None) as data:
            assert data["features"].dims == ("recording", "patch", "time", "feature")
            assert data["length"].dims == ("recording",)
            assert dict(data.sizes) == {
                "recording": 70,
                "patch": 4,
                "time": 50,
                "feature": 900,
                "coefficient": 3,
            }
            assert data.attrs == {"modality": "depth"}
            for name, expected in values.items():
                np.testing.assert_array_equal(data[name].values, expected)
            np.testing.assert_array_equal(data["features"].isel(recording=69, patch=2), values["features"][69, 2])

    def test_tensorstore_reads_the_same_values(self, published: Any) -> None:
        url, values = published
        for name, expected in values.items():
            spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{url}/{name}/"}}
            array = tensorstore.open(spec, read=True).result()
            np.testing.assert_array_equal(array.read().result(), expected)
            np.testing.assert_array_equal(array[60:].read().result(), expected[60:])

    def test_plain_zarr_reads_the_same_values(self, published: Any) -> None:
        url, values = published
        group = zarr.open_group(url, mode="r")
        for name, expected in values.items():
            np.testing.assert_array_equal(group[name][:], expected)  # type: ignore[index]


def test_an_output_without_arrays_is_not_a_feature_output(store: Store, tmp_path: Path) -> None:
    with begin(store) as draft:
        zarr.open_group(DraftZarrStore(draft), mode="a", zarr_format=3)
        output = draft.publish({})
    with pytest.raises(LayoutError, match="not a feature output"):
        open_features(output)
