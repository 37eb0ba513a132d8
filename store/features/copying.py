"""Taking shards of an earlier output over as they are, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import zarr

from store.features.layout import FeatureLayout
from store.features.reading import FeatureOutput, open_features
from store.features.writing import ShardDraft, shard_path

if TYPE_CHECKING:
    from store.reading.output import Output


def layout_signature(draft: ShardDraft, layout: FeatureLayout) -> dict[str, Any]:
    """Describe what was created in a draft: attributes, and each array's type, chunks and codecs, without the rows.

    Rows and shards can be taken from an output of the same kind; see `layout_signature_of`.
    """
    group = zarr.open_group(draft.zarr_store(), mode="r+", zarr_format=3, use_consolidated=False)
    return {"": dict(group.attrs), **{array.name: _described(group[array.name]) for array in layout.arrays}}


def layout_signature_of(output: FeatureOutput) -> dict[str, Any]:
    """Describe a published output as `layout_signature` does a draft."""
    return {"": output.attributes, **{name: _described(output.array(name)) for name in output.names}}


def read_objects(output: Output, layout: FeatureLayout, shard: int) -> list[bytes]:
    """Return one shard of every array as it is stored, after checking and unpacking it.

    Raises
    ------
    StoreError, CorruptObject
        An object is not there, not what the manifest lists, or not a shard: it would become one of ours.
    """
    objects = [output.read_bytes(shard_path(array, shard)) for array in layout.arrays]
    features = open_features(output)
    start = shard * layout.rows_per_shard
    for array in layout.arrays:
        features.read(array.name, range(start, min(start + layout.rows_per_shard, features.rows)))
    return objects


def write_objects(draft: ShardDraft, layout: FeatureLayout, shard: int, objects: Sequence[bytes]) -> None:
    """Write what `read_objects` read of an output of the same kind as one shard of this one, and journal it."""
    paths = [shard_path(array, shard) for array in layout.arrays]
    for path, data in zip(paths, objects, strict=True):
        draft.write(path, data)
    draft.journal(str(shard), paths)


def _described(node: Any) -> dict[str, Any]:
    described: dict[str, Any] = node.metadata.to_dict()
    return {**described, "shape": tuple(described["shape"])[1:]}
