"""One array from a MATLAB v5 file (what scipy and MATLAB's ``save -v6`` / ``-v7`` write)."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from pipeline.sources import content
from pipeline.sources.broken import BrokenFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADER = 128  # bytes of text, version and byte order before the first element
_MATRIX, _COMPRESSED = 14, 15  # kinds of elements
_NUMBERS = range(6, 16)  # MATLAB classes: double, single, integers of 8 to 64 bits
_ENOUGH = 4096  # bytes that hold any element's description
_DENSEST = 1032  # bytes that a byte of a compressed file can stand for


@dataclass(frozen=True)
class Expected:
    """What a file should hold: an array under `key` with one axis of any length.

    Attributes
    ----------
    key
        The variable's name.
    shape
        Its shape, with None on the time axis.
    dtype
        What the values are read as. MATLAB stores whole doubles as integers, so the file's own type says
        nothing; the values must fit.
    """

    key: str
    shape: tuple[int | None, ...]
    dtype: str = "float64"


def read(path: Path, expected: Expected) -> NDArray[Any]:
    """Read the array, checked.

    Parameters
    ----------
    path
        The file.
    expected
        Key, shape and type to hold it against.

    Returns
    -------
    ndarray
        In the file's own axis order and the expected dtype. Finite.

    Raises
    ------
    BrokenFileError
        Truncated or undecodable, without the key, of another shape or type, without frames, or with NaN or infinity.
    OSError
        The system does not let it be read.
    """
    import numpy as np
    from scipy.io import loadmat

    data = io.BytesIO(content.read(path))  # scipy, which says OSError of a damaged file, meets no error of the system
    _checked(data, data.getbuffer().nbytes, expected)  # before megabytes are decompressed, and for the better message
    try:
        values: NDArray[Any] = loadmat(cast(Any, data), variable_names=[expected.key])[expected.key]
    except Exception as error:  # a damaged file makes scipy raise nearly anything
        _pass_on(error)
        raise BrokenFileError(f"cannot be decompressed ({_said(error)})") from error
    if values.dtype.kind == "f":
        _finite(values, expected.shape.index(None))
    with np.errstate(invalid="ignore"):
        array = values.astype(expected.dtype, copy=False)
    if array is not values and array.dtype.kind != "f" and not np.array_equal(array, values):
        span = f"{values.min()}..{values.max()}"
        raise BrokenFileError(f"`{expected.key}` holds {span}, which does not fit {expected.dtype}")
    return array


def header(path: Path, expected: Expected) -> tuple[int, ...]:
    """Check sizes, key and shape without decompressing the data; return the array's shape.

    Not scipy's ``whosmat``: it decompresses every array in full, and does not notice a missing end. Raises as `read`.
    """
    with path.open("rb") as file:
        return _checked(file, path.stat().st_size, expected)


def _checked(file: BinaryIO, size: int, expected: Expected) -> tuple[int, ...]:
    file.seek(0)
    try:
        found = dict(_variables(file, size))
    except (ValueError, struct.error, zlib.error) as error:
        _pass_on(error)
        raise BrokenFileError(f"not a readable MATLAB v5 file ({_said(error)})") from error
    if expected.key not in found:
        keys = ", ".join(sorted(found)) or "none"
        raise BrokenFileError(f"has no array `{expected.key}` (found: {keys})")
    kind, shape = found[expected.key]
    if kind not in _NUMBERS:
        raise BrokenFileError(f"`{expected.key}` holds no numbers (MATLAB class {kind})")
    fitting = _fits(shape, expected)
    if prod(fitting) > _DENSEST * size:  # not to be asked of the system's memory
        raise BrokenFileError(f"announces {prod(fitting)} values, which its {size} bytes cannot hold")
    return fitting


def _fits(shape: tuple[int, ...], expected: Expected) -> tuple[int, ...]:
    want = " x ".join("T" if n is None else str(n) for n in expected.shape)
    have = " x ".join(map(str, shape))
    if len(shape) != len(expected.shape) or any(
        w is not None and w != n for n, w in zip(shape, expected.shape, strict=True)
    ):
        raise BrokenFileError(f"`{expected.key}` has shape {have}, expected {want}")
    if shape[expected.shape.index(None)] == 0:
        raise BrokenFileError(f"`{expected.key}` has no frames (shape {have}, expected {want})")
    return shape


def _variables(file: BinaryIO, size: int) -> Iterator[tuple[str, tuple[int, tuple[int, ...]]]]:
    """Walk over the file's elements by their byte counts; yield each one's name, MATLAB class and shape."""
    start = file.read(_HEADER)
    if size < _HEADER + 8:
        raise BrokenFileError(f"truncated: {size} bytes, too few for a MATLAB file")
    if start[:10] == b"MATLAB 7.3":
        raise BrokenFileError("is a MATLAB v7.3 file; save it again with -v7")
    if start[126:128] not in {b"IM", b"MI"}:
        raise BrokenFileError("is not a MATLAB v5 file")
    order = "<" if start[126:128] == b"IM" else ">"
    at = _HEADER
    while at < size:
        file.seek(at)
        tag = file.read(8)
        kind, count = struct.unpack(order + "II", tag.ljust(8, b"\0"))
        if at + 8 + count > size:
            raise BrokenFileError(f"truncated: has {size} bytes, its header announces {at + 8 + count}")
        body = file.read(min(count, _ENOUGH))
        if kind == _COMPRESSED:
            body = zlib.decompressobj().decompress(body, _ENOUGH)[8:]
        if kind in {_COMPRESSED, _MATRIX}:
            yield _described(body, order)
        at += 8 + count


def _described(body: bytes, order: str) -> tuple[str, tuple[int, tuple[int, ...]]]:
    """Read the parts in front of a matrix's data: flags, dimensions, name."""
    at, parts = 0, []
    for _ in range(3):
        kind, count = struct.unpack_from(order + "II", body, at)
        if kind >> 16:  # up to four bytes may stand in the tag itself
            count = kind >> 16
            parts.append(body[at + 4 : at + 4 + count])
            at += 8
        else:
            parts.append(body[at + 8 : at + 8 + count])
            at += 8 + -(-count // 8) * 8
    flags, shape, name = parts
    (matlab_class,) = struct.unpack_from(order + "I", flags)
    dimensions = struct.unpack(f"{order}{len(shape) // 4}i", shape)
    return name.decode("latin-1"), (matlab_class & 0xFF, dimensions)


def _finite(array: NDArray[Any], time_axis: int) -> None:
    import numpy as np

    bad = ~np.isfinite(array)
    if not bad.any():
        return
    first = np.unravel_index(int(bad.argmax()), bad.shape)
    what = "NaN" if np.isnan(array[first]) else "infinity"
    raise BrokenFileError(f"{int(bad.sum())} values are NaN or infinite (first: {what} at frame {first[time_axis]})")


def _pass_on(error: Exception) -> None:
    """Raise MemoryError where a library was refused memory, which says nothing of the file's bytes."""
    if isinstance(error, MemoryError) or (isinstance(error, zlib.error) and str(error).startswith("Error -4 ")):
        raise MemoryError from error


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:120]
