"""Some rows of stored arrays as tensors: in memory while there is enough, else in a file that is read as it is used."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from store.features import FeatureOutput

SHARE = 0.25  # of the free memory that may be used: there may be other trainings beside this one
ROWS = 1024  # that are written to a file at a time


class RowLoader:
    """Reads the same rows of one array after the other, in the order in which they are given."""

    def __init__(self, rows: Sequence[int]) -> None:
        self._rows = rows
        self._budget = SHARE * _free_memory()

    def read(self, stored: FeatureOutput, name: str, *, as_stored: bool = False) -> Tensor:
        """Return an array's rows: float32 (or bool, or `as_stored`), or in a file in the stored type.

        The file lies in the folder for temporary files (``TMPDIR``) and has no name, so that nothing of it stays.
        """
        array = stored.array(name)
        shape = (len(self._rows), *array.shape[1:])
        floats = array.dtype.kind == "f" and not as_stored
        size = int(np.prod(shape)) * (4 if floats else array.dtype.itemsize)
        if size <= self._budget:
            self._budget -= size
            values = stored.read(name, self._rows)
            return torch.from_numpy(values.astype(np.float32, copy=False) if floats else values)
        with tempfile.TemporaryFile() as file:
            mapped = np.memmap(file, array.dtype, "w+", shape=shape)
        for start in range(0, len(self._rows), ROWS):
            mapped[start : start + ROWS] = stored.read(name, self._rows[start : start + ROWS])
        return torch.from_numpy(mapped)


def _free_memory() -> int:
    """Bytes of memory that can be had without swapping."""
    try:
        with open("/proc/meminfo") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
