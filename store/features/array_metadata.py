"""A feature output's Zarr metadata, validated in full before any value is read; a stranger may have written it.

Only what `store.features.layout` lays out is accepted: numbers, cut into shards of whole rows that the manifest lists
one by one. So no chunk is missing (and read as the fill value), and no shape promises more than there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
import numpy as np

from store.errors import LayoutError
from store.features.layout import CHUNK_BYTES, ROW_DIMENSION, ROWS_PER_SHARD, SHARD_BYTES
from store.manifest.limits import METADATA_BYTES
from store.manifest.validation import parse_json

if TYPE_CHECKING:
    from store.reading.output import Output
    from store.writing.shard_draft import ShardDraft

T = TypeVar("T")

MAX_ARRAYS = 64  # of one output
MAX_DIMENSIONS = 16
MAX_CHUNKS_PER_SHARD = 4096

Size = Annotated[int, msgspec.Meta(ge=1, le=1 << 40)]
Shape = Annotated[tuple[Size, ...], msgspec.Meta(min_length=1, max_length=MAX_DIMENSIONS)]
DataType = Literal[
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128",
]  # fmt: skip


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class _Endian(_Strict, frozen=True):
    endian: Literal["little"]


class _Bytes(_Strict, frozen=True, tag_field="name", tag="bytes"):
    configuration: _Endian | None = None


class _Level(_Strict, frozen=True):
    level: Annotated[int, msgspec.Meta(ge=-(1 << 17), le=22)] = 0
    checksum: bool = False


class _Zstd(_Strict, frozen=True, tag_field="name", tag="zstd"):
    configuration: _Level = _Level()


class _Crc32c(_Strict, frozen=True, tag_field="name", tag="crc32c"):
    configuration: _Strict | None = None


class _Cut(_Strict, frozen=True):
    chunk_shape: Shape


class _Grid(_Strict, frozen=True, tag_field="name", tag="regular"):
    configuration: _Cut


class _Inner(_Strict, frozen=True):
    chunk_shape: Shape
    codecs: tuple[_Bytes, _Zstd, _Crc32c]
    index_codecs: tuple[_Bytes, _Crc32c]
    index_location: Literal["end"] = "end"


class _Sharding(_Strict, frozen=True, tag_field="name", tag="sharding_indexed"):
    configuration: _Inner


class _Slash(_Strict, frozen=True):
    separator: Literal["/"] = "/"


class _Keys(_Strict, frozen=True, tag_field="name", tag="default"):
    configuration: _Slash = _Slash()


class _Array(_Strict, frozen=True):
    """An array's ``zarr.json``."""

    zarr_format: Literal[3]
    node_type: Literal["array"]
    shape: Shape
    data_type: DataType
    chunk_grid: _Grid
    chunk_key_encoding: _Keys
    fill_value: bool | int | float | tuple[float, float]
    codecs: tuple[_Sharding]
    dimension_names: Annotated[tuple[str, ...], msgspec.Meta(max_length=MAX_DIMENSIONS)]
    attributes: dict[str, Any] = {}
    storage_transformers: tuple[()] = ()


class _Group(_Strict, frozen=True):
    """The group's ``zarr.json``."""

    zarr_format: Literal[3]
    node_type: Literal["group"]
    attributes: dict[str, Any] = {}
    consolidated_metadata: None = None


@dataclass(frozen=True)
class ArrayMetadata:
    """One array whose metadata keeps to the layout."""

    name: str
    shape: tuple[int, ...]
    shard: tuple[int, ...]  # shape of a shard: whole rows
    chunk: tuple[int, ...]  # shape of a chunk within it
    dtype: np.dtype[Any]
    dims: tuple[str, ...]
    level: int  # of the compression
    checksum: bool  # whether the compressed frames have a checksum of their own

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of chunks of a shard along each dimension."""
        return tuple(whole // piece for whole, piece in zip(self.shard, self.chunk, strict=True))

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-self.shape[0] // self.shard[0])

    def bands(self, shard: int) -> int:
        """Return how many chunks, along the rows, hold rows of a shard; the last may have fewer than the others."""
        return -(-min(self.shard[0], self.shape[0] - shard * self.shard[0]) // self.chunk[0])

    def shard_path(self, shard: int) -> str:
        """Return the path of the one object that holds a shard (Zarr v3's default chunk keys)."""
        return "/".join([self.name, "c", str(shard), *("0" for _ in self.shape[1:])])

    def without_rows(self) -> ArrayMetadata:
        """Return what arrays have in common whose rows can be copied from one to the other."""
        return replace(self, shape=(0, *self.shape[1:]))


def read_metadata(output: Output) -> tuple[dict[str, Any], dict[str, ArrayMetadata]]:
    """Return a feature output's attributes and its arrays by name.

    Raises
    ------
    CorruptObject
        Metadata changed after it was published, or is not that of a feature output.
    LayoutError
        The output has no arrays.
    """
    nodes = (path.rpartition("/") for path in output.entries)
    names = sorted(folder for folder, _, name in nodes if name == "zarr.json" and folder and "/" not in folder)
    if not names:
        raise LayoutError(f"{output.url} holds no arrays; it is not a feature output")
    if len(names) > MAX_ARRAYS:
        problem = f"is that of {len(names)} arrays; a feature output has at most {MAX_ARRAYS}"
        raise output.corrupt_error("zarr.json", problem)
    group = _read(output, "zarr.json", lambda data: parse_json(data, _Group))
    arrays = {name: _read_array(output, name) for name in names}
    rows = {array.shape[0] for array in arrays.values()}
    if len(rows) > 1:
        counts = " and ".join(map(str, sorted(rows)))
        raise output.corrupt_error("zarr.json", f"is that of arrays with {counts} rows")
    return group.attributes, arrays


def read_draft_metadata(draft: ShardDraft, names: Iterable[str]) -> tuple[dict[str, Any], dict[str, ArrayMetadata]]:
    """Return the attributes, and the named arrays, that were created in a draft.

    Raises
    ------
    FileNotFoundError, ValueError
        Something was not created, or not by `store.features.create`.
    """
    group = parse_json(draft.read("zarr.json"), _Group)
    return group.attributes, {name: _parse_array(name, draft.read(f"{name}/zarr.json")) for name in names}


def _read_array(output: Output, name: str) -> ArrayMetadata:
    def parse(data: bytes) -> ArrayMetadata:
        array = _parse_array(name, data)
        if problem := _coverage_problem(array, output.entries):
            raise ValueError(problem)
        return array

    return _read(output, f"{name}/zarr.json", parse)


def _read(output: Output, path: str, parse: Callable[[bytes], T]) -> T:
    if path in output.entries and output.entries[path].size > METADATA_BYTES:
        raise output.corrupt_error(path, f"has more than {METADATA_BYTES >> 20} MiB, which no Zarr metadata has")
    try:
        return parse(output.read_bytes(path))
    except ValueError as error:
        raise output.corrupt_error(path, f"is not the metadata of a feature array: {error}") from error


def _parse_array(name: str, data: bytes) -> ArrayMetadata:
    """Parse an array's ``zarr.json``; ValueError with what is wrong."""
    parsed = parse_json(data, _Array)
    inner = parsed.codecs[0].configuration
    array = ArrayMetadata(
        name=name,
        shape=parsed.shape,
        shard=parsed.chunk_grid.configuration.chunk_shape,
        chunk=inner.chunk_shape,
        dtype=np.dtype(parsed.data_type),
        dims=parsed.dimension_names,
        level=inner.codecs[1].configuration.level,
        checksum=inner.codecs[1].configuration.checksum,
    )
    problem = _shape_problem(array)
    if problem is None and array.dtype.itemsize > 1 and inner.codecs[0].configuration is None:
        problem = "its codec `bytes` has no endian"
    if problem is None and parsed.fill_value not in (0, (0, 0)):
        problem = "its fill value is not zero"
    if problem is not None:
        raise ValueError(problem)
    return array


def _shape_problem(array: ArrayMetadata) -> str | None:
    if not len(array.shape) == len(array.shard) == len(array.chunk) == len(array.dims):
        return "its shapes and dimension names differ in number"
    if array.dims[0] != ROW_DIMENSION or len(set(array.dims)) != len(array.dims):
        return f"its dimensions are not {ROW_DIMENSION!r} and then others, each its own"
    if array.shard[0] > ROWS_PER_SHARD or array.shard[0] % array.chunk[0]:
        return f"a shard has {array.shard[0]} rows and a chunk {array.chunk[0]}; a shard has at most {ROWS_PER_SHARD}"
    sizes = zip(array.shape[1:], array.shard[1:], array.chunk[1:], strict=True)
    if any(-(-size // piece) * piece != whole for size, whole, piece in sizes):
        return f"a shard {array.shard} is not whole rows of {array.shape[1:]} in chunks of {array.chunk}"
    if array.shard[0] * prod(array.shape[1:]) * array.dtype.itemsize > SHARD_BYTES:
        return f"a shard has more than {SHARD_BYTES >> 20} MiB"
    if prod(array.chunk) * array.dtype.itemsize > CHUNK_BYTES:
        return f"a chunk has more than {CHUNK_BYTES >> 20} MiB"
    if prod(array.shard) * array.dtype.itemsize > 2 * SHARD_BYTES or prod(array.grid) > MAX_CHUNKS_PER_SHARD:
        return f"a shard has {prod(array.grid)} chunks, or chunks far beyond its rows"
    return None


def _coverage_problem(array: ArrayMetadata, listed: Iterable[str]) -> str | None:
    """Return what is wrong where the objects listed below the array are not exactly its shards; None where they are."""
    below = {path for path in listed if path.startswith(f"{array.name}/")} - {f"{array.name}/zarr.json"}
    if len(below) != array.shards:
        return f"{array.shape[0]} rows are {array.shards} shards, and the manifest lists {len(below)}"
    missing = next((path for path in map(array.shard_path, range(array.shards)) if path not in below), None)
    return None if missing is None else f"the manifest does not list its shard {missing}"
