"""What the head of a video file says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.sources.broken_file import BrokenFileError


@dataclass(frozen=True)
class Clip:
    """A video's size in pixels, frames a second and seconds; 0 where the file does not say."""

    width: int
    height: int
    rate: float
    seconds: float
    depth: bool


def read_clip(path: Path) -> Clip:
    """Read a video's head.

    Raises
    ------
    BrokenFileError
        It is no video that can be read.
    """
    import av

    try:
        with av.open(str(path)) as file:
            if not file.streams.video:
                raise BrokenFileError("has no video stream")
            stream = file.streams.video[0]
            rate = float(stream.average_rate or stream.base_rate or 0)
            if stream.duration and stream.time_base:
                seconds = float(stream.duration * stream.time_base)
            else:
                seconds = file.duration / 1e6 if file.duration else 0.0
            gray = "gray16" in (stream.codec_context.pix_fmt or "")
            return Clip(stream.codec_context.width, stream.codec_context.height, rate, seconds, gray)
    except (av.FFmpegError, ValueError) as error:
        raise BrokenFileError(f"cannot be read as a video ({str(error)[:100]})") from error
