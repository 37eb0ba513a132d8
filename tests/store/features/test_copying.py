"""Shards of an output of the same kind are taken over as they are, at any root and in another place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from store import Store
from store.errors import CorruptObject
from store.features import FeatureArray, FeatureLayout, create, open_features, pending, write_shard
from store.features.copying import layout_signature, layout_signature_of, read_objects, write_objects
from store.reading.output import Output

ARRAYS = (
    FeatureArray("features", (3, 5), "float32", ("patch", "feature")),
    FeatureArray("valid", (3,), "bool", ("p",)),
)
LAYOUT = FeatureLayout(150, ARRAYS)
VALUES = {
    "features": np.random.default_rng(0).normal(size=(150, 3, 5)).astype("float32"),
    "valid": np.ones((150, 3), np.bool_),
}


@pytest.fixture
def earlier(store: Store) -> Output:
    with store.draft("encode", "k1", recipe={}, inputs=[]) as draft:
        create(draft, LAYOUT, {"rate": 50.0, "shapes": [[3]]})
        for shard in pending(draft, LAYOUT):
            rows = LAYOUT.rows_of(shard)
            write_shard(draft, LAYOUT, shard, {name: part[rows.start : rows.stop] for name, part in VALUES.items()})
        return draft.publish({})


def test_shards_move_to_another_place(store: Store, earlier: Output) -> None:
    layout = FeatureLayout(150 - 64, ARRAYS)
    with store.draft("encode", "k2", recipe={}, inputs=[]) as draft:
        create(draft, layout, {"rate": 50.0, "shapes": [[3]]})
        assert layout_signature(draft, layout) == layout_signature_of(open_features(earlier))
        for shard in (0, 1):
            write_objects(draft, layout, shard, read_objects(earlier, layout, shard + 1))
        assert pending(draft, layout) == []
        output = draft.publish({})
    for name, values in VALUES.items():
        np.testing.assert_array_equal(open_features(output).read(name), values[64:])


OTHERS: Mapping[str, tuple[tuple[FeatureArray, ...], dict[str, Any]]] = {
    "attributes": (ARRAYS, {"rate": 25.0}),
    "width": ((FeatureArray("features", (3, 6), "float32", ("patch", "feature")), ARRAYS[1]), {"rate": 50.0}),
    "type": ((FeatureArray("features", (3, 5), "float16", ("patch", "feature")), ARRAYS[1]), {"rate": 50.0}),
    "dimensions": ((FeatureArray("features", (3, 5), "float32", ("patch", "width")), ARRAYS[1]), {"rate": 50.0}),
    "arrays": (ARRAYS[:1], {"rate": 50.0}),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_kind_is_told_apart(store: Store, earlier: Output, what: str) -> None:
    arrays, attributes = OTHERS[what]
    layout = FeatureLayout(150, arrays)
    with store.draft("encode", "k2", recipe={}, inputs=[]) as draft:
        create(draft, layout, {"shapes": [[3]], **attributes})
        assert layout_signature(draft, layout) != layout_signature_of(open_features(earlier))


def test_a_damaged_shard_is_not_handed_out(store: Store, earlier: Output) -> None:
    path = f"outputs/encode/k1/{earlier.manifest.attempt}/valid/c/1/0"
    store._root.put(path, store._root.read(path)[:-1])
    with pytest.raises(CorruptObject, match="valid/c/1/0 changed after it was published"):
        read_objects(store.output("encode", "k1"), LAYOUT, 1)
    assert len(read_objects(store.output("encode", "k1"), LAYOUT, 0)) == 2
