"""Zstandard for reading what a stranger wrote: a frame unpacks to its chunk's size, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numcodecs.zstd import Zstd
from numpy.typing import NDArray

_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD = Zstd()


def decompress_exact(frame: bytes, chunk: NDArray[Any]) -> None:
    """Unpack a frame into a chunk, which is contiguous and exactly as large as its content.

    Raises
    ------
    ValueError, RuntimeError
        It would unpack to more or less, or is no frame. The chunk may hold anything then.
    """
    size = content_size(frame)
    if size != chunk.nbytes:  # compared before anything is unpacked: a few bytes can claim to become gigabytes
        problem = "does not tell its size" if size is None else f"unpacks to {size} bytes"
        raise ValueError(f"a compressed chunk {problem}; a chunk has {chunk.nbytes}")
    _ZSTD.decode(frame, chunk.reshape(-1).view(np.uint8))


def content_size(frame: bytes) -> int | None:
    """Return the size that a Zstandard frame's header gives for its content (RFC 8878, 3.1.1.1), or None."""
    if len(frame) < 5 or frame[:4] != _MAGIC:
        return None
    descriptor = frame[4]
    single_segment = bool(descriptor & 0x20)
    # A byte with the window's size, where there is one, and the dictionary's id come before the content's size.
    start = 5 + (0 if single_segment else 1) + (0, 1, 2, 4)[descriptor & 3]
    width = (1 if single_segment else 0, 2, 4, 8)[descriptor >> 6]
    if not width or len(frame) < start + width:
        return None
    size = int.from_bytes(frame[start : start + width], "little")
    return size + 256 if width == 2 else size
