"""One array from a MATLAB v5 file (what scipy and MATLAB's ``save -v6`` / ``-v7`` write)."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline.sources.broken_file import BrokenFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADER = 128  # bytes of text, version and byte order before the first element
_MATRIX, _COMPRESSED = 14, 15  # kinds of elements
_NUMBERS = range(6, 16)  # MATLAB classes: double, single, integers of 8 to 64 bits
_COMPLEX = 0x0800  # the flag of an array that has imaginary parts, too
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}  # kinds of parts
_ENOUGH = 4096  # bytes that hold any element's description
_PIECE = 1 << 20  # bytes that are inflated at once
_DEFLATED = 1032  # bytes that a byte of zlib's can stand for


@dataclass(frozen=True)
class Expected:
    """What a file should hold: an array under `key`, with one axis, that of time, of any length.

    Values are read as `dtype`. MATLAB stores whole doubles as integers, so the file's own type says nothing; the values
    must fit. NaN and infinity are let pass where `finite` is False.
    """

    key: str
    shape: tuple[int | None, ...]  # None for time
    dtype: str = "float64"
    finite: bool = True


def read(path: Path, expected: Expected) -> NDArray[Any]:
    """Read the array, checked: in the file's own axis order and the expected dtype, and finite.

    Raises
    ------
    BrokenFileError
        Truncated or undecodable, without the key, of another shape or type, complex, without frames, or with NaN or
        infinity.
    OSError
        The system does not let it be read.
    """
    import numpy as np

    with path.open("rb") as file:
        array = _array(file, path, expected)
        values = np.frombuffer(_numbers(file, array), array.numbers).reshape(array.shape, order="F")
    # Before the conversion: an integer type would hide NaN and infinity.
    if values.dtype.kind == "f" and expected.finite:
        _finite(values, expected.shape.index(None))
    with np.errstate(invalid="ignore", over="ignore"):
        found = values.astype(expected.dtype, copy=False)
    if found is not values and found.dtype.kind != "f" and not np.array_equal(found, values):
        span = f"{values.min()}..{values.max()}"
        raise BrokenFileError(f"`{expected.key}` holds {span}, which does not fit {expected.dtype}")
    return found


def header(path: Path, expected: Expected) -> tuple[int, ...]:
    """Check sizes, key and shape without decompressing the data; return the array's shape.

    Not scipy's ``whosmat``: it decompresses every array in full, and does not notice a missing end. Raises as `read`.
    """
    with path.open("rb") as file:
        return _array(file, path, expected).shape


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of real numbers by its name, without decompressing any; raises as `read`."""
    with path.open("rb") as file:
        found = _found(file, path)
    return {name: each.shape for name, each in found.items() if each.matlab_class in _NUMBERS and not each.is_complex}


@dataclass(frozen=True)
class _Array:
    """What a file says of one of its arrays in front of the numbers."""

    # of the element in the file: its first byte after the tag, its bytes, and how many these inflate to, if they do
    at: int
    count: int
    inflated: int | None
    matlab_class: int
    is_complex: bool
    shape: tuple[int, ...]
    numbers: str  # dtype of the numbers as they are stored; empty where it is none
    # first byte and bytes of the numbers in the element, inflated
    start: int
    size: int


def _array(file: BinaryIO, path: Path, expected: Expected) -> _Array:
    """Find the expected array, and check all that can be told without its numbers."""
    found = _found(file, path)
    if expected.key not in found:
        keys = ", ".join(sorted(found)) or "none"
        raise BrokenFileError(f"has no array `{expected.key}` (found: {keys})")
    array = found[expected.key]
    if array.matlab_class not in _NUMBERS:
        raise BrokenFileError(f"`{expected.key}` holds no numbers (MATLAB class {array.matlab_class})")
    if array.is_complex:
        raise BrokenFileError(f"`{expected.key}` holds complex numbers, expected real ones")
    _fits(array.shape, expected)
    if not array.numbers or array.size != math.prod(array.shape) * int(array.numbers[-1]):
        raise BrokenFileError(f"`{expected.key}` is damaged: its numbers take other bytes than its shape announces")
    if array.size > array.count * (1 if array.inflated is None else _DEFLATED):
        raise BrokenFileError(f"`{expected.key}` is damaged: announces {array.size} bytes, more than the file can hold")
    return array


def _found(file: BinaryIO, path: Path) -> dict[str, _Array]:
    """Describe a file's arrays, the first of each name."""
    found: dict[str, _Array] = {}
    try:
        for name, array in _arrays(file, path.stat().st_size):
            found.setdefault(name, array)
    except (ValueError, struct.error, zlib.error) as error:
        _pass_on(error)
        raise BrokenFileError(f"not a readable MATLAB v5 file ({_said(error)})") from error
    return found


def _numbers(file: BinaryIO, array: _Array) -> bytes | memoryview:
    """Return the bytes of an array's numbers."""
    import deflate

    file.seek(array.at)
    if array.inflated is None:
        return file.read(array.start + array.size)[array.start :]
    body = file.read(array.count)
    try:  # libdeflate: four to five times as fast as zlib; it checks the end and the checksum, too
        data = deflate.zlib_decompress(body, min(array.inflated, _DEFLATED * array.count))
    except deflate.DeflateError:  # it does not say what is wrong; or there is more than was announced
        data = bytearray()
    if len(data) < array.start + array.size:
        return _inflated(body, array)
    return memoryview(data)[array.start : array.start + array.size]


def _inflated(body: bytes, array: _Array) -> memoryview:
    """Return the bytes of an array's numbers, inflated by zlib, which says what is wrong; more is never inflated."""
    inflating, data, wanted = zlib.decompressobj(), bytearray(), array.start + array.size
    try:
        for begin in range(0, len(body), _PIECE):  # what is not consumed is copied with each call: of a piece only
            piece, more = body[begin : begin + _PIECE], True
            while more and not inflating.eof:
                found = inflating.decompress(piece, _PIECE)
                data += found[: wanted - len(data)]  # what follows, and the checksum of all, is checked and not kept
                piece = inflating.unconsumed_tail
                more = bool(piece) or len(found) == _PIECE
    except zlib.error as error:
        _pass_on(error)
        raise BrokenFileError(f"cannot be decompressed ({_said(error)})") from error
    if not inflating.eof or len(data) < wanted:
        raise BrokenFileError("cannot be decompressed (its data ends early)")
    return memoryview(data)[array.start :]


def _fits(shape: tuple[int, ...], expected: Expected) -> None:
    want = " x ".join("T" if n is None else str(n) for n in expected.shape)
    have = " x ".join(map(str, shape))
    if len(shape) != len(expected.shape) or any(
        w is not None and w != n for n, w in zip(shape, expected.shape, strict=True)
    ):
        raise BrokenFileError(f"`{expected.key}` has shape {have}, expected {want}")
    if shape[expected.shape.index(None)] < 1:
        raise BrokenFileError(f"`{expected.key}` has no frames (shape {have}, expected {want})")


def _arrays(file: BinaryIO, size: int) -> Iterator[tuple[str, _Array]]:
    """Walk over the file's elements by their byte counts; yield each array's name and description."""
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
        kind, count = struct.unpack(order + "II", file.read(8).ljust(8, b"\0"))
        if kind == 0:  # nothing but padding follows
            return
        if at + 8 + count > size:
            problem = "truncated" if at == _HEADER else "truncated, or something else follows its arrays"
            raise BrokenFileError(f"{problem}: has {size} bytes, its header announces {at + 8 + count}")
        body = file.read(min(count, _ENOUGH))
        if kind == _COMPRESSED:
            body = zlib.decompressobj().decompress(body, _ENOUGH)
            (inflated,) = struct.unpack_from(order + "I", body, 4)
            yield _described(body, 8, order, at + 8, count, inflated=8 + inflated)
        elif kind == _MATRIX:
            yield _described(body, 0, order, at + 8, count, inflated=None)
        at += 8 + count


def _described(body: bytes, start: int, order: str, at: int, count: int, *, inflated: int | None) -> tuple[str, _Array]:
    """Read the parts in front of a matrix's numbers, which begin at `start`: flags, dimensions, name."""
    parts = []
    for _ in range(3):
        _, size, begin, start = _part(body, start, order)
        parts.append(body[begin : begin + size])
    flags, dimensions, name = parts
    (word,) = struct.unpack_from(order + "I", flags)
    shape = struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)
    stored, size, begin, _ = _part(body, start, order) if word & 0xFF in _NUMBERS else (0, 0, 0, 0)
    numbers = order + _STORED[stored] if stored in _STORED else ""
    array = _Array(at, count, inflated, word & 0xFF, bool(word & _COMPLEX), shape, numbers, begin, size)
    return name.decode("latin-1"), array


def _part(body: bytes, at: int, order: str) -> tuple[int, int, int, int]:
    """Read a part's tag: its kind, its size, where it begins, and where the next one does."""
    kind, size = struct.unpack_from(order + "II", body, at)
    if kind >> 16:  # up to four bytes may stand in the tag itself
        return kind & 0xFFFF, kind >> 16, at + 4, at + 8
    return kind, size, at + 8, at + 8 + -(-size // 8) * 8


def _finite(array: NDArray[Any], time_axis: int) -> None:
    import numpy as np

    bad = ~np.isfinite(array)
    if not bad.any():
        return
    first = np.unravel_index(int(bad.argmax()), bad.shape)
    what = "NaN" if np.isnan(array[first]) else "infinity"
    raise BrokenFileError(f"{int(bad.sum())} values are NaN or infinite (first: {what} at frame {first[time_axis]})")


def _pass_on(error: Exception) -> None:
    """Raise MemoryError where zlib was refused memory, which says nothing of the file's bytes."""
    if str(error).startswith("Error -4 "):
        raise MemoryError from error


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:120]
