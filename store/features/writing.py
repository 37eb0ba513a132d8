"""Writing a feature output: arrays once, then each shard by exactly one writer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.core.array_spec import ArrayConfigLike
from zarr.storage import StorePath

from store.canonical import digest
from store.errors import LayoutError
from store.features.layout import ROW_DIMENSION, FeatureLayout
from store.writing.shard_draft import ShardDraft
from store.writing.zarr_view import DraftZarrStore

LAYOUT_NOTE = "feature-layout"

# Zarr skips chunks that hold the fill value alone; a shard that was computed must have its object.
_CONFIG: ArrayConfigLike = {"write_empty_chunks": True}

# Metadata of a draft's arrays, by name, so that a shard does not read it again. Not the arrays: each refers to its
# draft, which would then never be let go of.
_METADATA: WeakKeyDictionary[ShardDraft, dict[str, Any]] = WeakKeyDictionary()


def create(draft: ShardDraft, layout: FeatureLayout, attributes: Mapping[str, Any]) -> None:
    """Create the Zarr group and its arrays; on a resumed draft, again, keeping the journalled shards.

    Shards of an earlier owner that were cut by another layout are deleted: they would be read as other rows.

    The attributes are JSON values, stored with the group.
    """
    layout_digest = digest(_describe(layout)).encode()
    if draft.scratch_read(LAYOUT_NOTE) != layout_digest:
        draft.restart()
        _METADATA.pop(draft, None)
        draft.scratch_write(LAYOUT_NOTE, layout_digest)
    group = zarr.open_group(
        DraftZarrStore(draft), mode="a", zarr_format=3, use_consolidated=False, attributes=dict(attributes)
    )
    for array in layout.arrays:
        if array.name in group:
            continue
        group.create_array(
            array.name,
            shape=(layout.rows, *array.shape_tail),
            dtype=array.dtype,
            chunks=array.chunk(layout.rows_per_shard),
            shards=array.shard(layout.rows_per_shard),
            compressors=(ZstdCodec(level=1), Crc32cCodec()),
            fill_value=0,
            dimension_names=(ROW_DIMENSION, *array.dims),
        )


def pending(draft: ShardDraft, layout: FeatureLayout) -> list[int]:
    """Return the shards that are not journalled yet, in order."""
    done = draft.done
    return [shard for shard in range(layout.shards) if str(shard) not in done]


def write_shard(
    draft: ShardDraft, layout: FeatureLayout, shard: int, arrays: Mapping[str, np.ndarray[Any, Any]]
) -> None:
    """Write one shard of every array, whole, and journal it.

    Parameters
    ----------
    draft : ShardDraft
        After `create`.
    shard : int
        Which one; see `FeatureLayout.rows_of` for its rows.
    arrays : mapping of str to ndarray, shape (rows in the shard, ``*shape_tail``)
        Every array of the layout, of its type.

    Raises
    ------
    LayoutError
        An array is missing, unknown, or of another shape or type.
    StoreFull, StoreError
    """
    rows = layout.rows_of(shard)
    if set(arrays) != {array.name for array in layout.arrays}:
        raise LayoutError(
            f"shard {shard} has the arrays {sorted(arrays)}; "
            f"the layout has {sorted(array.name for array in layout.arrays)}"
        )
    for array in layout.arrays:
        values, shape = arrays[array.name], (len(rows), *array.shape_tail)
        if values.shape != shape or values.dtype != np.dtype(array.dtype):
            wanted = f"{array.dtype} {shape}"
            raise LayoutError(
                f"shard {shard} of {array.name} is {values.dtype} {values.shape}; the layout wants {wanted}"
            )
    for array in layout.arrays:
        _open_array(draft, array.name)[rows.start : rows.stop] = arrays[array.name]
    paths = [array.shard_path(shard) for array in layout.arrays]
    draft.journal(str(shard), [path for path in paths if draft.size(path) is not None])


def read_draft_rows(draft: ShardDraft, name: str, rows: range) -> np.ndarray[Any, Any]:
    """Return rows of an array of an unfinished output, which were written: unlike those of an output, unverified."""
    return np.asarray(_open_array(draft, name)[rows.start : rows.stop])


def _open_array(draft: ShardDraft, name: str) -> zarr.Array[Any]:
    store, known = DraftZarrStore(draft), _METADATA.setdefault(draft, {})
    if name not in known:  # two threads may both read it, which does no harm
        known[name] = zarr.open_array(store, path=name, mode="r+", zarr_format=3).metadata
    return zarr.Array(zarr.AsyncArray(known[name], StorePath(store, name), config=_CONFIG))


def _describe(layout: FeatureLayout) -> dict[str, Any]:
    rows = layout.rows_per_shard
    arrays = [[each.name, each.shape_tail, each.dtype, each.chunk(rows), each.shard(rows)] for each in layout.arrays]
    return {"rows": layout.rows, "rows_per_shard": rows, "arrays": arrays}
