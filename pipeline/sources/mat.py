"""One array from a MATLAB v5 file (what scipy and MATLAB's ``save -v6`` / ``-v7`` write)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.sources.broken import BrokenFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADER = 128  # bytes of text, version and byte order before the first element


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
        Missing, truncated or unreadable, without the key, of another shape or type, without frames, or with
        NaN or infinity.
    """
    import numpy as np
    from scipy.io import loadmat

    header(path, expected)  # before megabytes are decompressed, and for the better message
    try:
        values: NDArray[Any] = loadmat(path, variable_names=[expected.key])[expected.key]
    except Exception as error:  # a damaged file makes scipy raise nearly anything
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
    """Check sizes, key, shape and type without decompressing the data; return the array's shape."""
    from scipy.io import whosmat

    try:
        _complete(path)
        found = {name: (shape, kind) for name, shape, kind in whosmat(path)}
    except BrokenFileError:
        raise
    except FileNotFoundError as error:
        raise BrokenFileError("file is missing") from error
    except Exception as error:  # as above
        raise BrokenFileError(f"not a readable MATLAB v5 file ({_said(error)})") from error
    if expected.key not in found:
        keys = ", ".join(sorted(found)) or "none"
        raise BrokenFileError(f"has no array `{expected.key}` (found: {keys})")
    shape, kind = found[expected.key]
    return _fits(tuple(int(n) for n in shape), kind, expected)


def _fits(shape: tuple[int, ...], kind: str, expected: Expected) -> tuple[int, ...]:
    want = " x ".join("T" if n is None else str(n) for n in expected.shape)
    have = " x ".join(map(str, shape))
    if len(shape) != len(expected.shape) or any(
        w is not None and w != n for n, w in zip(shape, expected.shape, strict=True)
    ):
        raise BrokenFileError(f"`{expected.key}` has shape {have}, expected {want}")
    if shape[expected.shape.index(None)] == 0:
        raise BrokenFileError(f"`{expected.key}` has no frames (shape {have}, expected {want})")
    if kind not in {"double", "single", "logical"} and not kind.removeprefix("u").startswith("int"):
        raise BrokenFileError(f"`{expected.key}` holds {kind}, expected numbers")
    return shape


def _complete(path: Path) -> None:
    """Walk over the file's elements by their byte counts; the last must end within the file."""
    size = path.stat().st_size
    if size < _HEADER + 8:
        raise BrokenFileError(f"truncated: {size} bytes, too few for a MATLAB file")
    with path.open("rb") as file:
        start = file.read(_HEADER)
        if start[:10] == b"MATLAB 7.3":
            raise BrokenFileError("is a MATLAB v7.3 file; save it again with -v7")
        if start[126:128] not in {b"IM", b"MI"}:
            raise BrokenFileError("is not a MATLAB v5 file")
        order = "<" if start[126:128] == b"IM" else ">"
        at = _HEADER
        while at < size:
            file.seek(at)
            tag = file.read(8)
            at += 8 + (struct.unpack(order + "II", tag)[1] if len(tag) == 8 else 0)
            if at > size or len(tag) < 8:
                raise BrokenFileError(
                    f"truncated: has {size} bytes, its header announces {max(at, size + 1)} or more"
                )


def _finite(array: NDArray[Any], time_axis: int) -> None:
    import numpy as np

    bad = ~np.isfinite(array)
    if not bad.any():
        return
    first = np.unravel_index(int(bad.argmax()), bad.shape)
    what = "NaN" if np.isnan(array[first]) else "infinity"
    raise BrokenFileError(
        f"{int(bad.sum())} values are NaN or infinite (first: {what} at frame {first[time_axis]})"
    )


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:120]
