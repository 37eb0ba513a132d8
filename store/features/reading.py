"""Reading a feature output: checked against its manifest as it is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from store.errors import LayoutError

if TYPE_CHECKING:
    from store.outputs import Output


def open_features(output: Output) -> FeatureOutput:
    """Open a published feature output.

    Raises
    ------
    CorruptObject
        Its metadata changed after it was published.
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
        self._url = output.url
        self._group = output.zarr()
        self._arrays = {name: _array(self._group, name) for name in _names(output)}
        if not self._arrays:
            raise LayoutError(f"{self._url} holds no arrays; it is not a feature output")
        self.attributes: dict[str, Any] = dict(self._group.attrs)
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
            raise LayoutError(f"{self._url} has no array {name!r}; it has {', '.join(self.names)}") from None

    def read(self, name: str, rows: Sequence[int] | None = None) -> np.ndarray[Any, Any]:
        """Return an array's values, shape (recording, ...): all rows, or the given ones in the given order.

        Raises
        ------
        CorruptObject
            A shard's bytes changed after it was published, or the shard is gone.
        """
        array = self.array(name)
        if rows is None:
            return np.asarray(array[:])
        # shard by shard, each as one slice: zarr's orthogonal selection is some twenty times slower
        wanted = np.asarray(rows, dtype=np.int64)
        values = np.empty((len(wanted), *array.shape[1:]), array.dtype)
        length = array.shards[0] if array.shards else array.chunks[0]
        for shard in np.unique(wanted // length):
            here = wanted // length == shard
            start = int(shard) * length
            values[here] = np.asarray(array[start : start + length])[wanted[here] - start]
        return values


def _names(output: Output) -> list[str]:
    """Return the arrays directly below the group, from the manifest."""
    nodes = (path.rpartition("/") for path in output.entries)
    return sorted(folder for folder, _, name in nodes if name == "zarr.json" and folder and "/" not in folder)


def _array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    node = group[name]
    if not isinstance(node, zarr.Array):
        raise LayoutError(f"{name} is a group; a feature output holds arrays only")
    return node
