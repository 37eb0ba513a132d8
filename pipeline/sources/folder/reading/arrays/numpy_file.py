"""NumPy's .npy and .npz files; nothing pickled is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.reading.library_file import open_for_library

_PICKLED = (
    "holds Python objects (pickled), which are never loaded: load it where it is trusted, and save plain arrays of "
    "numbers with numpy.save"
)


def read_npy(path: Path) -> NDArray[Any]:
    """Read the array of an .npy file; BrokenFileError where it is damaged, or pickled."""
    with open_for_library(path, "an array of NumPy") as file:
        try:
            return np.lib.format.read_array(file, allow_pickle=False)
        except ValueError as error:
            raise _pickled(error) from error


def read_npz(path: Path) -> Mapping[str, NDArray[Any]]:
    """Read all arrays of an .npz file by name; BrokenFileError where it is damaged, or pickled."""
    with open_for_library(path, "arrays of NumPy") as file:
        try:
            found = np.load(file, allow_pickle=False)
            if not isinstance(found, np.lib.npyio.NpzFile):
                raise BrokenFileError("is no .npz file, but a single array; say format: npy")
            with found as arrays:
                return {name: arrays[name] for name in arrays.files}
        except ValueError as error:
            raise _pickled(error) from error


def _pickled(error: ValueError) -> Exception:
    """Return what to raise for a library's error: for pickled objects the remedy."""
    return BrokenFileError(_PICKLED) if "allow_pickle" in str(error) or "pickled" in str(error) else error
