"""HDF5 files, and MATLAB's v7.3, which are HDF5; where h5py is installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.broken_file import BrokenFileError


def read(
    path: Path, wanted: tuple[str, ...], *, matlab: bool = False
) -> tuple[Mapping[str, NDArray[Any]], tuple[str, ...]]:
    """Read data sets by their path within the file.

    Parameters
    ----------
    wanted
        Names like ``imu/acceleration``; none: all arrays of numbers.
    matlab
        Turn axes round: MATLAB writes column after column, so the file has them in the opposite order.

    Returns
    -------
    tuple
        Those that are there, and the names of all arrays of numbers.

    Raises
    ------
    BrokenFileError
        h5py is not installed, or the file is damaged.
    OSError
        The system does not let it be read.
    """
    try:
        import h5py
    except ImportError:
        what = "a MATLAB v7.3 file, which is HDF5 and" if matlab else "an HDF5 file, which"
        remedy = ", or save it again with -v7 in MATLAB" if matlab else ""
        raise BrokenFileError(f"is {what} needs h5py: pip install h5py{remedy}") from None
    if path.stat().st_size == 0:
        raise BrokenFileError("is empty (0 bytes)")
    names: list[str] = []
    try:  # by its path: errors of a Python file leave HDF5 in a state that ends the process
        with h5py.File(path, "r", locking=False) as root:
            root.visititems(lambda name, item: _note(names, name, item, h5py.Dataset))
            chosen = [name.strip("/") for name in wanted] or names
            found = {name: np.asarray(root[name][()]) for name in chosen if name in names}
    except MemoryError:
        raise
    except Exception as error:  # h5py does not say which it raises for damaged bytes
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = (str(error).splitlines() or [""])[0][:120]
        raise BrokenFileError(f"cannot be read as HDF5 ({said or type(error).__name__})") from error
    if matlab:
        found = {name: array.transpose() for name, array in found.items()}
    return found, tuple(names)


def _note(names: list[str], name: str, item: Any, dataset: type) -> None:
    if isinstance(item, dataset) and item.dtype.kind in "fiub":  # type: ignore[attr-defined]
        names.append(name)
