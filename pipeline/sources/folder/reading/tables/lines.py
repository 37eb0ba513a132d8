"""A text file's lines in blocks of bounded size, in UTF-8, and which of them count."""

from __future__ import annotations

import codecs
import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pipeline.sources.broken_file import BrokenFileError

BLOCK = 8 << 20  # bytes that are read at once
_LONGEST = 64 << 20  # bytes of a line
_UNPACKED = 256 << 20  # bytes that any .gz may unpack to,
_PACKED = 100  # and how many times its own size
_MARKS = (  # what a file may begin with, which says its encoding
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def blocks(path: Path, encoding: str = "utf-8", size: int = BLOCK) -> Iterator[bytes]:
    r"""Yield a file's bytes as UTF-8, in blocks of whole lines.

    Lines end in ``\n`` (a ``\r`` before it stays); a file whose lines end in ``\r`` alone is told by its first block.
    ``.gz`` is unpacked. A mark at the start says the encoding, whatever is given.

    Raises
    ------
    BrokenFileError
        Empty, binary, damaged gzip, or one that unpacks to far more than its size; or not of the encoding;
        unknown encodings, too. UTF-8 is not checked here.
    OSError
        The system does not let it be read.
    """
    with _opened(path) as file:
        start = file.read(size)
        if not start:
            raise BrokenFileError("is empty (0 bytes)")
        if start.startswith(b"version https://git-lfs"):
            raise BrokenFileError("is a pointer of Git LFS, not the file itself: run git lfs pull")
        mark, marked = next(((mark, name) for mark, name in _MARKS if start.startswith(mark)), (b"", encoding))
        decode = _to_utf8(marked)
        rest, only_cr = b"", None
        data = start[len(mark) :]
        line, most = 1, _most_unpacked(path)
        while True:
            text = decode(data, final=not data)
            if only_cr is None:
                if b"\0" in text[:4096]:
                    raise BrokenFileError("is no text table (it holds zero bytes; or is its csv.encoding utf-16-le?)")
                only_cr = b"\r" in text and b"\n" not in text
            if only_cr:
                text = text.replace(b"\r", b"\n")
            text = rest + text if rest else text
            if not data:
                if text:
                    yield text
                return
            cut = text.rfind(b"\n") + 1
            rest = text[cut:]
            if len(rest) > _LONGEST:
                raise BrokenFileError(f"is no text table: line {line} is longer than {_LONGEST >> 20} MB")
            if cut:
                yield text[:cut]
            if file.tell() > most:
                raise BrokenFileError(
                    f"unpacks to more than {_UNPACKED >> 20} MB, {_PACKED} times its size: if that is right, unpack it"
                )
            data = file.read(size)


def _most_unpacked(path: Path) -> float:
    return max(_UNPACKED, _PACKED * path.stat().st_size) if _is_packed(path) else math.inf


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


class _to_utf8:  # noqa: N801  (used as a function that remembers halves of characters)
    def __init__(self, encoding: str) -> None:
        try:
            self._name = codecs.lookup(encoding).name
        except LookupError:
            raise BrokenFileError(f"csv.encoding: there is no encoding `{encoding}`") from None
        self._decoder = None if self._name in ("utf-8", "ascii") else codecs.getincrementaldecoder(self._name)()

    def __call__(self, data: bytes, *, final: bool) -> bytes:
        if self._decoder is None:
            return data
        try:
            return self._decoder.decode(data, final).encode()
        except UnicodeDecodeError as error:
            raise BrokenFileError(f"is not written in {self._name} (csv.encoding): {error.reason}") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if not _is_packed(path):
        with path.open("rb") as file:
            yield file
        return
    try:
        with path.open("rb") as packed, gzip.GzipFile(fileobj=packed) as file:
            yield file  # type: ignore[misc]
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BrokenFileError(f"cannot be unpacked as gzip ({str(error)[:100] or type(error).__name__})") from error


def counts(line: bytes, comments: tuple[bytes, ...], delimiter: bytes) -> bool:
    """Tell whether a line is data or names: not blank, no comment, and not delimiters alone."""
    bare = line.strip()
    return bool(bare) and not (comments and bare.startswith(comments)) and bool(bare.strip(delimiter + b' \t"'))


def counted(data: bytes, first: int, comments: tuple[bytes, ...], delimiter: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that count with their numbers in the file, without their ends; `first` is that of the first."""
    for number, line in enumerate(data.split(b"\n"), first):
        if counts(line, comments, delimiter):
            yield number, line.rstrip(b"\r")
