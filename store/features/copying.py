"""Copying shards of an earlier output byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from store.features.array_metadata import read_draft_metadata
from store.features.layout import FeatureLayout
from store.features.reading import FeatureOutput, open_features

if TYPE_CHECKING:
    from store.reading.output import Output
    from store.writing.shard_draft import ShardDraft


def layout_signature(draft: ShardDraft, layout: FeatureLayout) -> dict[str, Any]:
    """Return what was created in a draft: attributes, and each array's type, chunks and codecs, without the rows.

    Rows and shards can be copied from an output of the same signature; see `layout_signature_of`.
    """
    attributes, arrays = read_draft_metadata(draft, [array.name for array in layout.arrays])
    return {"": attributes, **{name: array.without_rows() for name, array in arrays.items()}}


def layout_signature_of(output: FeatureOutput) -> dict[str, Any]:
    """Return a published output's signature, to be compared with that of a draft."""
    return {"": output.attributes, **{name: output.array(name).without_rows() for name in output.names}}


def read_objects(output: Output, layout: FeatureLayout, shard: int) -> list[bytes]:
    """Return one shard of every array as it is stored, after verifying and unpacking it.

    Raises
    ------
    StoreError, CorruptObject
        An object is not there, not what the manifest lists, or not a shard: it would become one of ours.
    """
    objects = [output.read_bytes(array.shard_path(shard)) for array in layout.arrays]
    features = open_features(output)
    start = shard * layout.rows_per_shard
    for array in layout.arrays:
        features.read(array.name, range(start, min(start + layout.rows_per_shard, features.rows)))
    return objects


def write_objects(draft: ShardDraft, layout: FeatureLayout, shard: int, objects: Sequence[bytes]) -> None:
    """Write what `read_objects` read of an output of the same signature as one shard of this one, and journal it."""
    paths = [array.shard_path(shard) for array in layout.arrays]
    for path, data in zip(paths, objects, strict=True):
        draft.write(path, data)
    draft.journal(str(shard), paths)
