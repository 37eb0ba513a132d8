"""NumPy and MATLAB files."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.edge.card import StreamInput
from pipeline.edge.runtime.recordings import RawStream, unusable
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.formats import mat

_VALUES, _TIMES = "values", "times"
_CLOCKS = ("time", "times", "t", "timestamp", "timestamps")  # names of a MATLAB file's array of seconds


def read_npy(path: Path, stream: StreamInput) -> RawStream:
    """Read an array (T, *sample), of one channel (T,), too; see `read.read_stream`."""
    found = _loaded(path)
    if not isinstance(found, np.ndarray):
        found.close()
        raise BrokenFileError("is no .npy file but an archive of them; name it .npz")
    return RawStream(str(path), _with_channel(found, stream))


def read_npz(path: Path, stream: StreamInput) -> RawStream:
    """Read the arrays `values` and, where there is one, `times` in seconds; see `read.read_stream`."""
    archive = _loaded(path)
    if isinstance(archive, np.ndarray):
        raise BrokenFileError("is one array, no archive; name it .npy")
    with archive:
        if _VALUES not in archive.files:
            problem = f"has no array `{_VALUES}` (found: {', '.join(archive.files) or 'none'})"
            raise unusable(str(path), stream.name, problem, f"save it with savez(file, {_VALUES}=..., {_TIMES}=...)")
        try:
            values = archive[_VALUES]
            times = np.asarray(archive[_TIMES], np.float64) if _TIMES in archive.files else None
        except (ValueError, EOFError, MemoryError, zipfile.BadZipFile) as error:
            raise BrokenFileError(f"cannot be read ({_said(error)})") from error
    return RawStream(str(path), _with_channel(values, stream), times)


def read_mat(path: Path, stream: StreamInput) -> RawStream:
    """Read the one array of a MATLAB file that has a sample's shape beside an axis of time; see `read.read_stream`."""
    shapes = mat.shapes(path)
    clock = next((name for name in shapes if name.lower() in _CLOCKS), None)
    fitting = {(name, at) for name, shape in shapes.items() if name != clock for at in _time_axes(shape, stream.sample)}
    if len(fitting) != 1:
        sizes = " x ".join(map(str, ("T", *stream.sample)))
        found = ", ".join(f"{name} {' x '.join(map(str, shape))}" for name, shape in shapes.items()) or "none"
        several = "more than one way" if fitting else "no way"
        problem = f"its arrays ({found}) can be read in {several} as {sizes}"
        raise unusable(str(path), stream.name, problem, "save one array, time first, as .npy, or by name in an .npz")
    name, at = fitting.pop()
    wanted = tuple(None if axis == at else size for axis, size in enumerate(shapes[name]))
    values = np.ascontiguousarray(np.moveaxis(mat.read(path, mat.Expected(name, wanted)), at, 0))
    return RawStream(str(path), values.reshape(len(values), *stream.sample), _mat_times(path, clock, shapes))


def _mat_times(path: Path, clock: str | None, shapes: Mapping[str, tuple[int, ...]]) -> NDArray[np.float64] | None:
    if clock is None:
        return None
    shape = shapes[clock]
    if len(shape) != 2 or 1 not in shape:
        raise BrokenFileError(f"`{clock}` has shape {' x '.join(map(str, shape))}, expected one time for each sample")
    at = shape.index(max(shape))
    wanted = tuple(None if axis == at else 1 for axis in range(2))
    return np.asarray(mat.read(path, mat.Expected(clock, wanted)), np.float64).reshape(-1)


def _time_axes(shape: tuple[int, ...], sample: tuple[int, ...]) -> list[int]:
    """Return the axes that can be time: without it the shape is that of a sample."""
    return [at for at in range(len(shape)) if shape[:at] + shape[at + 1 :] == sample]


def _loaded(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BrokenFileError(f"cannot be read by NumPy ({_said(error)})") from error


def _with_channel(values: NDArray[Any], stream: StreamInput) -> NDArray[Any]:
    return values[:, None] if values.ndim == 1 and stream.sample == (1,) else values


def _said(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
