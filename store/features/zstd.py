"""Zstandard for reading what a stranger wrote: a frame unpacks to its chunk's size, or not at all."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numcodecs.zstd import Zstd
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer

_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD = Zstd()


class ExactZstd(ZstdCodec):
    """Zarr's codec, but for chunks that would unpack to more or less than a chunk: those raise ValueError.

    What a frame says of its content is compared before anything is allocated, and the chunk is unpacked into a
    buffer of its size, so that neither a lie nor further frames can make it larger. It encodes as zarr's does.
    """

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        chunk = np.empty(prod(chunk_spec.shape) * _item_size(chunk_spec), np.uint8)
        decompress_exact(chunk_bytes.to_bytes(), chunk)
        return chunk_spec.prototype.buffer.from_array_like(chunk)


def decompress_exact(frame: bytes, chunk: NDArray[Any]) -> None:
    """Unpack a frame into a chunk, which is contiguous and exactly as large as its content.

    Raises
    ------
    ValueError, RuntimeError
        It would unpack to more or less, or is no frame. The chunk may hold anything then.
    """
    found = content_size(frame)
    if found != chunk.nbytes:
        told = "does not tell its size" if found is None else f"unpacks to {found} bytes"
        raise ValueError(f"a compressed chunk {told}; a chunk has {chunk.nbytes}")
    _ZSTD.decode(frame, chunk.reshape(-1).view(np.uint8))


def content_size(frame: bytes) -> int | None:
    """Return the size that a Zstandard frame's header gives for its content (RFC 8878, 3.1.1.1), or None."""
    if len(frame) < 5 or frame[:4] != _MAGIC:
        return None
    descriptor = frame[4]
    single = bool(descriptor & 0x20)
    start = 5 + (0 if single else 1) + (0, 1, 2, 4)[descriptor & 3]  # the window's size, the dictionary's id
    width = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    if not width or len(frame) < start + width:
        return None
    size = int.from_bytes(frame[start : start + width], "little")
    return size + 256 if width == 2 else size


def _item_size(spec: ArraySpec) -> int:
    kind: Any = spec.dtype
    return int(kind.to_native_dtype().itemsize)
