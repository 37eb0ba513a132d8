"""Frames of a video file through PyAV, decoded one at a time."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.sources.broken import BrokenFileError, attributed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class VideoFile:
    """A video on disk; satisfies `pipeline.sources.contract.Video`.

    Opening it counts its packets, which reads the file but decodes nothing. Each call of `frames` opens the
    file anew, so nothing stays open between calls and frames can be read more than once.

    Parameters
    ----------
    path
        The file.
    recording, stream, name
        For errors: whose it is, and its path relative to the source's root.

    Raises
    ------
    BadRecording
        Missing, truncated, not a video, or without frames.
    """

    def __init__(self, path: Path, recording: str, stream: str, name: str) -> None:
        self._path = path
        self._whose = (recording, stream, name)
        with attributed(*self._whose):
            self.length = count(path)

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Yield each frame as (H, W, 3) uint8 RGB; BadRecording where decoding fails or ends early."""
        with attributed(*self._whose):
            decoded = 0
            for frame in decode(self._path):
                yield frame
                decoded += 1
            if decoded < self.length:
                raise BrokenFileError(f"only {decoded} of {self.length} frames can be decoded")


def count(path: Path) -> int:
    """Count the frames of a file's first video stream without decoding them; BrokenFileError for none."""
    import av

    _riff_complete(path)
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise BrokenFileError("has no video stream")
            packets = sum(1 for packet in container.demux(container.streams.video[0]) if packet.size)
    except (av.FFmpegError, OSError) as error:
        raise BrokenFileError(f"cannot be opened as a video ({_said(error)})") from error
    if packets == 0:
        raise BrokenFileError("has no frames")
    return packets


def decode(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Decode a file's first video stream frame by frame, as (H, W, 3) uint8 RGB."""
    import av
    import numpy as np

    try:
        with av.open(str(path)) as container:
            for frame in container.decode(container.streams.video[0]):
                yield frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise BrokenFileError(f"cannot be decoded ({_said(error)})") from error


def _riff_complete(path: Path) -> None:
    """Check an .avi file's announced size: FFmpeg reads a truncated one without a word."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(12)
    except FileNotFoundError as error:
        raise BrokenFileError("file is missing") from error
    except OSError as error:
        raise BrokenFileError(f"cannot be read ({_said(error)})") from error
    if size == 0:
        raise BrokenFileError("is empty (0 bytes)")
    if start[:4] == b"RIFF" and len(start) == 12:
        announced = 8 + struct.unpack("<I", start[4:8])[0]
        if announced > size:
            raise BrokenFileError(f"truncated: has {size} bytes, its header announces {announced}")


def _said(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0][:120]
