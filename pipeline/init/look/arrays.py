"""What arrays a file of NumPy's, MATLAB's or HDF5 has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.sources.broken_file import BrokenFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Shapes = dict[str, tuple[int, ...]]
_NUMBERS, _TEXT = "fiub", "US"  # kinds of NumPy's types


def shapes_of(path: Path, kind: str, *, text: bool = False) -> Shapes:
    """Return the shape of each array of numbers by its name; of an .npy file that of the empty name.

    Parameters
    ----------
    text
        Take NumPy's arrays of text, too.

    Raises
    ------
    BrokenFileError
        Damaged, pickled, or a library is not installed; without the file's name.
    """
    if kind == "mat":
        from pipeline.sources.formats import mat

        with path.open("rb") as file:
            if file.read(10) == b"MATLAB 7.3":
                return {name: array.shape for name, array in _hdf5(path, matlab=True).items()}
        return mat.shapes(path)
    if kind == "hdf5":
        return {name: array.shape for name, array in _hdf5(path).items()}
    return {name: array.shape for name, array in _numpy(path, kind, _NUMBERS + _TEXT * text).items()}


def read_array(path: Path, kind: str, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Read one array whole; raises as `shapes_of`."""
    if kind == "mat":
        from pipeline.sources.formats import mat

        with path.open("rb") as file:
            if file.read(10) == b"MATLAB 7.3":
                return _hdf5(path, matlab=True)[name]
        return mat.read(path, mat.Expected(name, (None,) * len(shape), finite=False))
    return _hdf5(path)[name] if kind == "hdf5" else _numpy(path, kind)[name]


def _hdf5(path: Path, *, matlab: bool = False) -> dict[str, NDArray[Any]]:
    from pipeline.sources.folder.reading.arrays import hdf5

    return {**hdf5.read(path, (), matlab=matlab)[0]}


def _numpy(path: Path, kind: str, kinds: str = _NUMBERS) -> dict[str, NDArray[Any]]:
    from pipeline.sources.folder.reading.arrays import numpy_file

    found = {"": numpy_file.read_npy(path)} if kind == "npy" else {**numpy_file.read_npz(path)}
    numbers = {name: array for name, array in found.items() if array.dtype.kind in kinds}
    if not numbers:
        raise BrokenFileError("has no array of numbers")
    return numbers
