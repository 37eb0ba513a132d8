"""Hashes of raw files as packed bytes: the message of one step may carry those of a million files."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import cast

from pipeline.keys.file_hash import FileHash, Origin

_FILE = Struct("<QQQQ32sB")
_BITS = (1 << 64) - 1
PACKED_BYTES = _FILE.size  # of one file


def pack(files: Iterable[FileHash]) -> bytes:
    """Pack the hashes of files, in their order."""
    return b"".join(
        _FILE.pack(
            each.size, each.mtime_ns & _BITS, each.ctime_ns & _BITS, each.inode & _BITS,
            bytes.fromhex(each.sha256), each.origin,
        )
        for each in files
    )  # fmt: skip


def unpack(packed: bytes, position: int) -> FileHash:
    """Return the hash of the file at a position in that order."""
    size, mtime_ns, ctime_ns, inode, sha256, origin = _FILE.unpack_from(packed, position * _FILE.size)
    return FileHash(size, _signed(mtime_ns), _signed(ctime_ns), inode, sha256.hex(), cast("Origin", origin))


def _signed(bits: int) -> int:
    """Restore a time before 1970, which is negative. Inodes and later times stay far below these bits."""
    return bits - (1 << 64) if bits >= 15 << 60 else bits
