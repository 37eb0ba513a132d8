"""Reading a feature output: checked against its manifest as it is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from zarr.codecs import BytesCodec, Crc32cCodec, ShardingCodec
from zarr.core.metadata.v3 import ArrayV3Metadata
from zarr.dtype import parse_dtype
from zarr.storage import StorePath

from store.errors import LayoutError
from store.features.array_metadata import ArrayMetadata, read_metadata
from store.features.checked_shards import CheckedShards
from store.features.shard_index import ShardIndexes
from store.features.shard_reader import ShardReader
from store.features.zstd import ExactZstd

if TYPE_CHECKING:
    from store.reading.output import Output


_WRONG = (ValueError, RuntimeError)  # what Zarr raises of a checksum or a compressed chunk


def open_features(output: Output) -> FeatureOutput:
    """Open a published feature output.

    Raises
    ------
    CorruptObject
        Its metadata changed after it was published, or is not what `store.features.layout` lays out.
    """
    return FeatureOutput(output)


class FeatureOutput:
    """A feature output's arrays.

    Attributes
    ----------
    attributes : dict
        What `create` was given.
    names : tuple of str
        The arrays.
    rows : int
        Number of recordings.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self.attributes, trusted = read_metadata(output)
        indexes = ShardIndexes(output)
        store = CheckedShards(output, trusted, indexes)
        self._trusted = trusted
        self._direct = ShardReader(output, indexes)
        self._arrays = {name: _open(output, store, array) for name, array in trusted.items()}
        self.names = tuple(sorted(self._arrays))
        self.rows = int(next(iter(self._arrays.values())).shape[0])

    def array(self, name: str) -> zarr.Array[Any]:
        """Return an array for lazy reading, shape (recording, ...); each shard is checked at its first touch.

        Raises
        ------
        LayoutError
            There is no such array.
        """
        try:
            return self._arrays[name]
        except KeyError:
            raise LayoutError(f"{self._output.url} has no array {name!r}; it has {', '.join(self.names)}") from None

    def read(self, name: str, rows: Sequence[int] | None = None) -> np.ndarray[Any, Any]:
        """Return an array's values, shape (recording, ...): all rows, or the given ones in the given order.

        Raises
        ------
        CorruptObject
            A shard's bytes changed after it was published, or the shard is gone; or what was published does not
            unpack to the array's chunks.
        LayoutError
            The rows take more memory than this machine has.
        IndexError
            There is no such row.
        """
        array = self.array(name)
        wanted = np.arange(self.rows) if rows is None else np.asarray(rows, np.int64)
        _check_room(self._output, name, (len(wanted), *array.shape[1:]), array.dtype)
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < self.rows:
            raise IndexError(f"rows {wanted.min()} to {wanted.max()} of {name}; it has rows 0 to {self.rows - 1}")
        return self._direct.read(self._trusted[name], wanted)


@dataclass  # as its base
class CheckedArray(zarr.Array[Any]):
    """A Zarr array whose chunks unpack as they should, or indexing it raises CorruptObject."""

    output: Output

    def __getitem__(self, selection: Any) -> Any:
        try:
            return self.output.again(self.path, lambda: super(CheckedArray, self).__getitem__(selection), _WRONG)
        except _WRONG as error:  # it was so when it was published
            raise self.output.corrupt_error(self.path, f"is not an array that can be unpacked: {error}") from error


def _open(output: Output, store: CheckedShards, array: ArrayMetadata) -> zarr.Array[Any]:
    """Open an array from its checked metadata, which zarr would read without a limit, and with the exact codec."""
    codec = ShardingCodec(
        chunk_shape=array.chunk,
        codecs=(BytesCodec(), ExactZstd(level=array.level, checksum=array.checksum), Crc32cCodec()),
        index_codecs=(BytesCodec(), Crc32cCodec()),
    )
    dtype = np.dtype(array.dtype)
    metadata = ArrayV3Metadata(
        shape=array.shape,
        data_type=parse_dtype(dtype, zarr_format=3),
        chunk_grid={"name": "regular", "configuration": {"chunk_shape": array.shard}},
        chunk_key_encoding={"name": "default", "separator": "/"},
        fill_value=dtype.type(0),
        codecs=(codec,),
        attributes={},
        dimension_names=array.dims,
    )
    return CheckedArray(zarr.AsyncArray(metadata, StorePath(store, array.name)), output)


def _check_room(output: Output, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    wanted, most = prod(shape) * dtype.itemsize, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if wanted > most:
        raise LayoutError(
            f"{output.url}/{name}: {shape[0]} rows take {wanted >> 30} GiB; this machine has {most >> 30}. "
            "Read fewer rows at a time"
        )
