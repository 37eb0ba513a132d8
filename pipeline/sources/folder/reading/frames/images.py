"""Pictures in files of their own, one a frame: .png, .jpg, .pgm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.base import Video
from pipeline.sources.broken_file import BrokenFileError, for_recording, read_nonempty
from pipeline.sources.folder.natural_order import natural
from pipeline.sources.formats import pgm

ENDS = (".png", ".jpg", ".jpeg", ".pgm")
_CODECS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "mjpeg"), (b"P5", "pgm"))
_LARGEST = 1 << 26  # pixels: what announces more is damaged
Frame = NDArray[np.uint8] | NDArray[np.uint16]


class ImageFrames(Video):
    """Frames that lie in files of their own, in the order given; recording and stream are for errors.

    Pictures of 16 bits a pixel are depth, (H, W) uint16 millimetres; all others become (H, W, 3) uint8 RGB.
    """

    def __init__(self, root: Path, files: Sequence[str], recording: str, stream: str) -> None:
        self._root = root
        self._files = tuple(files)
        self._whose = (recording, stream)
        self.length = len(self._files)

    def frames(self, wanted: NDArray[np.int64] | None = None, side: int | None = None) -> Iterator[Frame]:
        """Yield each (wanted) frame; BadRecording names the file that cannot be read, or differs in size or kind."""
        first: Frame | None = None
        for name in self._files if wanted is None else map(self._files.__getitem__, wanted.tolist()):
            with for_recording(*self._whose, name):
                frame = decoded(read_nonempty(self._root / name))
                if first is not None and (frame.shape, frame.dtype) != (first.shape, first.dtype):
                    raise BrokenFileError(f"is {_kind(frame)}, the frames before it are {_kind(first)}")
                first = frame if first is None else first
            yield frame


def image_files(root: Path, folder: str) -> list[str]:
    """Return the pictures in a folder in natural order: 2 before 10; BrokenFileError where there are none."""
    names = [
        path.name for path in (root / folder).iterdir() if path.suffix.lower() in ENDS and not path.name.startswith(".")
    ]
    if not names:
        raise BrokenFileError(f"is a folder without pictures ({', '.join(ENDS)})")
    return [f"{folder}/{name}" for name in sorted(names, key=natural)]


def decoded(data: bytes) -> Frame:
    """Decode one picture by its content.

    Raises
    ------
    BrokenFileError
        None of PNG, JPEG and binary PGM, damaged, or of 16 bits a colour.
    """
    codec = next((codec for start, codec in _CODECS if data.startswith(start)), None)
    if codec is None:
        raise BrokenFileError("is no picture in PNG, JPEG or binary PGM")
    if codec == "pgm":  # FFmpeg's decoder would scale values where white is not 65535
        grey = pgm.pixels(data)
        return grey if grey.dtype == np.uint16 else np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)
    import av

    try:
        context: Any = av.CodecContext.create(codec, "r")
        context.options = {"max_pixels": str(_LARGEST)}
        frames = [*context.decode(av.Packet(data)), *context.decode(None)]
        if not frames:
            raise BrokenFileError("cannot be decoded as a picture")
        frame = frames[0]
        if frame.is_corrupt:
            raise BrokenFileError("is damaged or truncated")
        if frame.format.name.startswith("gray16"):
            depth: NDArray[np.uint16] = frame.to_ndarray().astype(np.uint16, copy=False)
            return depth
        if any(component.bits > 8 for component in frame.format.components):
            raise BrokenFileError(
                f"has {frame.format.components[0].bits} bits a colour: save it with 8, or depth as grey with 16"
            )
        colour: NDArray[np.uint8] = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
        return colour
    except (av.FFmpegError, ValueError) as error:
        raise BrokenFileError(f"cannot be decoded as a picture (FFmpeg: {str(error)[:100]})") from error


def _kind(frame: Frame) -> str:
    return f"{frame.shape[1]} x {frame.shape[0]} {'depth' if frame.ndim == 2 else 'colour'}"
