"""What is known of files, as bytes: the message of one step tells it of a million files."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import cast

from pipeline.keys.file_hash import FileHash, Origin

_FILE = Struct("<QQQQ32sB")
_BITS = (1 << 64) - 1
PACKED_BYTES = _FILE.size  # a file


def pack(files: Iterable[FileHash]) -> bytes:
    """Write what is known of files, in their order."""
    return b"".join(
        _FILE.pack(
            each.size, each.mtime_ns & _BITS, each.ctime_ns & _BITS, each.inode & _BITS,
            bytes.fromhex(each.sha256), each.origin,
        )
        for each in files
    )  # fmt: skip


def unpack(packed: bytes, place: int) -> FileHash:
    """Read what is known of one file."""
    size, mtime_ns, ctime_ns, inode, sha256, origin = _FILE.unpack_from(packed, place * _FILE.size)
    return FileHash(size, _signed(mtime_ns), _signed(ctime_ns), inode, sha256.hex(), cast("Origin", origin))


def _signed(bits: int) -> int:
    """Undo the mask of a time before 1970."""
    return bits - (1 << 64) if bits >= 15 << 60 else bits
