"""One stream in a file of arrays: which array it is, where its times are, and what its axes mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Column, Stream
from pipeline.sources.folder.reading.arrays import hdf5, numpy_file
from pipeline.sources.folder.reading.arrays.axes import arranged, rows_of
from pipeline.sources.folder.reading.notes import Notes
from pipeline.sources.folder.reading.samples import Samples, Stamps
from pipeline.sources.folder.reading.selection import select
from pipeline.sources.formats import mat
from pipeline.sources.skeletons import chosen_joints

_V73 = b"MATLAB 7.3"


def read(path: Path, stream: Stream, format: str, marks: Sequence[Column] = ()) -> Samples:
    """Read a series or a skeleton. `columns` chooses channels by number, of a skeleton (T, joints, 3) its joints.

    Raises
    ------
    BrokenFileError
        Damaged, pickled, no such array, axes that do not fit, or a library that is not installed.
    OSError
        The system does not let it be read.
    """
    array, name, stamps = _array_and_stamps(path, stream, format)
    return samples_of(array, name, stamps, stream, marks)


def read_array(path: Path, stream: Stream, format: str, *, text: bool = False) -> NDArray[Any]:
    """Read the array that `key` names, or the only one, as it is, which may be of text; BrokenFileError as `read`."""
    return _array_and_stamps(path, stream, format, text=text)[0]


def samples_of(
    array: NDArray[Any], name: str, stamps: Stamps | None, stream: Stream, marks: Sequence[Column] = ()
) -> Samples:
    """Arrange an array of that name as samples; BrokenFileError as `read`."""
    found = arranged(array, stream.axes, stream.kind)
    notes = Notes(layout=f"array{f' `{name}`' if name else ''} {' x '.join(map(str, array.shape))}")
    if stream.kind == "skeleton" and found.ndim == 3:
        if found.shape[2] == 2:
            found, notes = np.pad(found, ((0, 0), (0, 0), (0, 1))), Notes(layout=notes.layout, flat=True)
        if stream.columns:
            found = found[:, chosen_joints(stream.joints, found.shape[1], stream.columns)]
        values, shape = rows_of(found)
        names = tuple(f"joint {at // 3 + 1}, {'xyz'[at % 3]}" for at in range(values.shape[1]))
        return Samples(values, names, stamps=_fitting(stamps, len(values)), shape=shape, notes=notes)
    values, _ = rows_of(found)
    in_columns = stream if _column(stream) is not None else msgspec.structs.replace(stream, time=None)
    selection = select(None, values.shape[1], in_columns, marks)
    if selection.stamps:
        stamps = values[:, selection.stamps[0]]
    return Samples(
        values[:, list(selection.values)],
        selection.names,
        stamps=_fitting(stamps, len(values)),
        marks=tuple(np.array([f"{each:g}" for each in values[:, at]], dtype=object) for at in selection.marks),
        notes=notes,
    )


def read_frames(path: Path, stream: Stream, format: str) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read frames, (T, H, W) uint16 millimetres or (T, H, W, 3) uint8; BrokenFileError where values do not fit."""
    array, _, _ = _array_and_stamps(path, stream, format, frames=True)
    if format == "mat" and not stream.axes:  # MATLAB has time last where NumPy has it first
        raise BrokenFileError(f"has an array of shape {array.shape}: say its axes, as in axes: [row, column, time]")
    found = arranged(array, stream.axes, stream.kind)
    wanted: type[np.generic] = np.uint16 if found.ndim == 3 else np.uint8
    if found.ndim not in (3, 4) or (found.ndim == 4 and found.shape[3] != 3) or found.dtype.kind not in "fiu":
        raise BrokenFileError(f"has frames of shape {found.shape[1:]}: depth is (row, column), colour (row, column, 3)")
    if not len(found):
        raise BrokenFileError("has no frames")
    if found.dtype == wanted:
        return found
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise BrokenFileError("has frames with a value that is not finite")
    with np.errstate(invalid="ignore"):
        whole = found.astype(wanted)
    if not np.array_equal(whole, found):
        raise BrokenFileError(
            f"has frames with values {found.min():g} to {found.max():g}, which do not fit {np.dtype(wanted)}"
        )
    return whole


def _array_and_stamps(
    path: Path, stream: Stream, format: str, *, frames: bool = False, text: bool = False
) -> tuple[NDArray[Any], str, Stamps | None]:
    named = stream.time.column if stream.time is not None and isinstance(stream.time.column, str) else ""
    if stream.time is not None and isinstance(stream.time.column, tuple):
        raise BrokenFileError("holds arrays, where time.column is one name or number, not several")
    if format == "npy":
        if named:
            raise BrokenFileError(
                f"is a single array, so it has no `{named}` (time.column): give the number of a column"
            )
        return _numbers(numpy_file.read_npy(path), "", text=text), "", None
    arrays, names = _arrays(path, format, (stream.key, named), frames=frames)
    key = stream.key.strip("/") or _only([name for name in names if name != named])
    for wanted, said in ((key, "key"), (named, "time.column")):
        if wanted and wanted not in arrays:
            raise BrokenFileError(f"has no array `{wanted}` ({said}); it has {', '.join(names) or 'none of numbers'}")
    return _numbers(arrays[key], key, text=text), key, _vector(arrays[named], named) if named else None


def _arrays(
    path: Path, format: str, wanted: tuple[str, str], *, frames: bool
) -> tuple[Mapping[str, NDArray[Any]], Sequence[str]]:
    """Read the arrays that are wanted, all where the key is left out; return them, and the names of all."""
    if format == "npz":
        arrays = numpy_file.read_npz(path)
        return arrays, tuple(arrays)
    some = tuple(name for name in wanted if name) if wanted[0] else ()
    if format == "hdf5":
        return hdf5.read(path, some)
    with path.open("rb") as file:
        if file.read(len(_V73)) == _V73:
            return hdf5.read(path, some, matlab=True)
    shapes = mat.shapes(path)
    read = [name for name in (some or shapes) if name in shapes]
    dtype = "uint16" if frames else "float64"
    return {
        name: mat.read(path, mat.Expected(name, (None,) * len(shapes[name]), dtype, finite=False)) for name in read
    }, tuple(shapes)


def _only(names: Sequence[str]) -> str:
    if len(names) != 1:
        listed = ", ".join(f"`{name}`" for name in names[:12])
        raise BrokenFileError(f"has several arrays, {listed}: say which in key" if names else "has no array of numbers")
    return names[0]


def _numbers(array: NDArray[Any], name: str, *, text: bool = False) -> NDArray[Any]:
    if array.dtype.kind not in ("fiubU" if text else "fiub"):
        raise BrokenFileError(f"{f'`{name}`' if name else 'the array'} holds {array.dtype}, no real numbers")
    return array


def _vector(array: NDArray[Any], name: str) -> Stamps:
    found = array.reshape(-1)
    if found.size != max(array.shape, default=1):
        raise BrokenFileError(f"`{name}` (time.column) has shape {array.shape}, wanted one time for each sample")
    if found.dtype.kind in "US":
        return [str(text) for text in found.astype(str)]
    if found.dtype.kind == "M":
        return [str(text) for text in np.datetime_as_string(found)]
    if found.dtype.kind in "iu":
        return found.astype(np.int64)
    return _numbers(found, name).astype(np.float64)


def _fitting(stamps: Stamps | None, count: int) -> Stamps | None:
    if stamps is not None and len(stamps) != count:
        raise BrokenFileError(f"has {len(stamps)} times, but {count} samples; are axes or key right?")
    return stamps


def _column(stream: Stream) -> int | None:
    return stream.time.column if stream.time is not None and isinstance(stream.time.column, int) else None
