"""Grey pictures in binary PGM files (P5), one file a frame."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.sources.base import Video
from pipeline.sources.broken_file import BrokenFileError, for_recording, read_nonempty

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Not Pillow: it takes other kinds of PNM for PGM, scales values where white is not 255, and does not say how many
# pixels of a truncated picture are there.
_GAP = rb"(?:\s|#[^\n\r]*[\n\r])+"
_HEADER = re.compile(rb"P5" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})\s")
_WHITE = 255  # what a byte can hold


class GreyFrames(Video):
    """Frames that lie in files of their own, given in order; recording and stream are for errors."""

    def __init__(self, root: Path, files: Sequence[str], recording: str, stream: str) -> None:
        self._root = root
        self._files = tuple(files)
        self._whose = (recording, stream)
        self.length = len(self._files)

    def frames(self, wanted: NDArray[np.int64] | None = None, side: int | None = None) -> Iterator[NDArray[np.uint8]]:
        """Yield each (wanted) frame as (H, W, 3) uint8, its three channels alike; BadRecording names the file."""
        import numpy as np

        shape: tuple[int, ...] | None = None
        for name in self._files if wanted is None else map(self._files.__getitem__, wanted.tolist()):
            with for_recording(*self._whose, name):
                grey = read(self._root / name)
                shape = shape or grey.shape
                if grey.shape != shape:
                    raise BrokenFileError(f"is {_size(grey.shape)}, the frames before it are {_size(shape)}")
            yield np.repeat(grey[:, :, None], 3, axis=2)


def read(path: Path) -> NDArray[np.uint8]:
    """Read one picture, (H, W) uint8, 0 black to 255 white.

    Raises
    ------
    BrokenFileError
        Missing, empty, not a binary PGM of one byte a pixel, or truncated.
    """
    import numpy as np

    found = pixels(read_nonempty(path), white=_WHITE)
    return found.astype(np.uint8, copy=False)


def pixels(data: bytes, white: int | None = None) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the (H, W) pixels of a binary PGM picture as they stand: uint8, or uint16 where white is above 255.

    BrokenFileError as `read`, and where white is not what is wanted.
    """
    import numpy as np

    header = _HEADER.match(data)
    if header is None:
        raise BrokenFileError("has no header of a binary PGM picture (P5, width, height, 255)")
    width, height, most = (int(number) for number in header.groups())
    if white is not None and most != white:
        raise BrokenFileError(f"has {most} for white, expected {white}: one byte a pixel")
    if not 0 < most < 65536:
        raise BrokenFileError(f"has {most} for white, expected 1 to 65535")
    if width * height == 0:
        raise BrokenFileError(f"has no pixels ({_size((height, width))})")
    size = 1 if most <= _WHITE else 2
    there = (len(data) - header.end()) // size
    if there < width * height:
        raise BrokenFileError(f"truncated: has {there} of {width * height} pixels")
    if size == 1:
        return np.frombuffer(data, np.uint8, width * height, header.end()).reshape(height, width)
    return np.frombuffer(data, ">u2", width * height, header.end()).reshape(height, width).astype(np.uint16)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"
