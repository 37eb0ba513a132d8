"""How feature arrays are cut into shards and chunks: arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from store.errors import LayoutError

ROW_DIMENSION = "recording"
ROWS_PER_SHARD = 64
SHARD_BYTES = 256 << 20
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class FeatureArray:
    """One array of a feature output."""

    name: str  # a Zarr node's, for example `features`
    shape_tail: tuple[int, ...]  # shape of one row
    dtype: str  # a fixed-size NumPy type, for example `float32` or `bool`
    dims: tuple[str, ...]  # names of the dimensions of `shape_tail`; the first of the array, `recording`, is not given

    def __post_init__(self) -> None:
        if not self.name or not self.name.replace("_", "a").replace("-", "a").isalnum():
            raise LayoutError(f"an array cannot be named {self.name!r}; use letters, digits, _ and -")
        if len(self.dims) != len(self.shape_tail) or len({ROW_DIMENSION, *self.dims}) != len(self.dims) + 1:
            raise LayoutError(
                f"array {self.name} has the row shape {self.shape_tail} and the dimensions {self.dims}; "
                f"give each its own name, other than {ROW_DIMENSION!r}"
            )
        if min(self.shape_tail, default=1) < 1:
            raise LayoutError(f"array {self.name} has the row shape {self.shape_tail}; each size must be at least 1")
        if not _is_number(self.dtype):
            raise LayoutError(f"array {self.name} has type {self.dtype!r}; a feature output holds numbers only")

    @property
    def row_bytes(self) -> int:
        """Size of one row, uncompressed."""
        return prod(self.shape_tail) * np.dtype(self.dtype).itemsize

    def chunk(self, rows_per_shard: int) -> tuple[int, ...]:
        """Return the shape of an inner chunk: 0.5 to 1 MiB, or the whole shard where that is smaller."""
        rows = rows_per_shard
        while rows > 1 and rows * self.row_bytes > CHUNK_BYTES:
            rows = (rows + 1) // 2
        sizes = [rows]
        chunk_bytes = rows * self.row_bytes
        # One row may be larger than a chunk: then the first of its dimensions are cut, as far as needed.
        for size in self.shape_tail:
            pieces = min(size, -(-chunk_bytes // CHUNK_BYTES))
            piece = -(-size // pieces)
            chunk_bytes = chunk_bytes // size * piece
            sizes.append(piece)
        return tuple(sizes)

    def shard(self, rows_per_shard: int) -> tuple[int, ...]:
        """Return the shape of a shard: all of its rows, rounded up to whole chunks."""
        chunk = self.chunk(rows_per_shard)
        whole = (rows_per_shard, *self.shape_tail)
        return tuple(-(-size // piece) * piece for size, piece in zip(whole, chunk, strict=True))

    def shard_path(self, shard: int) -> str:
        """Return the path of the one object that holds a shard (Zarr v3's default chunk keys)."""
        return "/".join([self.name, "c", str(shard), *("0" for _ in self.shape_tail)])


@dataclass(frozen=True)
class FeatureLayout:
    """The arrays of one feature output, and its shards.

    Raises
    ------
    LayoutError
        Arrays of one name, dimensions of one name and two sizes, or a row of more than 256 MiB.
    """

    rows: int  # one for each recording
    arrays: tuple[FeatureArray, ...]
    rows_per_shard: int = 0  # by default the largest power of two up to 64 with which no shard exceeds 256 MiB

    def __post_init__(self) -> None:
        if self.rows < 1 or not self.arrays:
            raise LayoutError(f"a feature output needs rows and arrays; got {self.rows} and {len(self.arrays)}")
        if len({array.name for array in self.arrays}) != len(self.arrays):
            raise LayoutError(f"two arrays share a name: {', '.join(array.name for array in self.arrays)}")
        self._check_dimensions()
        widest = max(self.arrays, key=lambda array: array.row_bytes)
        limit = ROWS_PER_SHARD
        while limit and limit * widest.row_bytes > SHARD_BYTES:
            limit //= 2
        if not limit:
            raise LayoutError(
                f"one row of {widest.name} takes {widest.row_bytes / 2**20:.0f} MiB; a shard holds at most "
                f"{SHARD_BYTES >> 20} MiB. Use fewer patches, fewer features or a smaller type"
            )
        object.__setattr__(self, "rows_per_shard", self.rows_per_shard or limit)
        if not 1 <= self.rows_per_shard <= limit or self.rows_per_shard & (self.rows_per_shard - 1):
            raise LayoutError(f"{self.rows_per_shard} rows a shard; use a power of two up to {limit}")

    @property
    def shards(self) -> int:
        """Number of shards of each array."""
        return -(-self.rows // self.rows_per_shard)

    def rows_of(self, shard: int) -> range:
        """Return the rows of one shard; the last may have fewer than the others."""
        if not 0 <= shard < self.shards:
            raise LayoutError(f"there is no shard {shard}; the layout has {self.shards}")
        start = shard * self.rows_per_shard
        return range(start, min(start + self.rows_per_shard, self.rows))

    def _check_dimensions(self) -> None:
        sizes: dict[str, int] = {}
        for array in self.arrays:
            for name, size in zip(array.dims, array.shape_tail, strict=True):
                if sizes.setdefault(name, size) != size:
                    raise LayoutError(
                        f"dimension {name!r} has size {sizes[name]} and, in {array.name}, {size}; "
                        "give the second its own name"
                    )


def _is_number(dtype: str) -> bool:
    try:
        return np.dtype(dtype).kind in "biufc"
    except TypeError:
        return False
