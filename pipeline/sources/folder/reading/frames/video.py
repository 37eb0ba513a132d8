"""One stream's files become a video: files of video, pictures, or an array of frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.base import Probe, Video
from pipeline.sources.broken_file import BrokenFileError, for_recording
from pipeline.sources.folder.params import Format, Stream
from pipeline.sources.folder.reading.arrays import array_file
from pipeline.sources.folder.reading.cut import Span, within
from pipeline.sources.folder.reading.file_format import format_of
from pipeline.sources.folder.reading.frames.images import ImageFrames, image_files
from pipeline.sources.formats.mp4 import check_whole
from pipeline.sources.formats.video import VideoFile


@dataclass(frozen=True)
class Owner:
    """Whose a video is, for errors: the recording's id and the stream's name."""

    recording: str
    stream: str


def open_video(root: Path, files: Sequence[str], stream: Stream, owner: Owner, span: Span | None = None) -> Video:
    """Open a stream's files, in the order that they are given in, as one video.

    A folder among them stands for the pictures in it. A span is cut by the files' own frame times where they say them
    reliably, else by the stream's rate; the stream's offset is added to either.

    Raises
    ------
    BadRecording
        Damaged, no frames, of another format, or none in the span; names the file. Later from `Video.frames`, too.
    StepError
        The system does not let one be read.
    """
    parts: list[Video] = []
    pictures: list[str] = []
    for name in files:
        with for_recording(owner.recording, owner.stream, name):
            format = "images" if (root / name).is_dir() else format_of(root / name, stream.format)
            if format == "images":
                pictures += image_files(root, name) if (root / name).is_dir() else [name]
            else:
                parts.append(_opened(root, name, stream, owner, format))
    if pictures:
        parts.append(ImageFrames(root, pictures, owner.recording, owner.stream))
    whole = parts[0] if len(parts) == 1 else Spliced(parts)
    if span is None:
        return whole
    with for_recording(owner.recording, owner.stream, files[0]):
        moved = Span(span.start - stream.offset, None if span.end is None else span.end - stream.offset)
        chosen = within(_times(parts, stream.rate), whole.length, stream.rate, moved)
    if isinstance(whole, ArrayFrames):
        return ArrayFrames(whole.loaded[chosen])
    return Part(whole, chosen.start, chosen.stop - chosen.start)


def probe_video(video: Video) -> Probe:
    """Decode the first frame; BadRecording where it cannot be."""
    (first,) = video.frames(np.zeros(1, np.int64))
    return Probe(video.length, tuple(first.shape))


class ArrayFrames(Video):
    """Frames in memory: (T, H, W) uint16 millimetres or (T, H, W, 3) uint8."""

    def __init__(self, loaded: NDArray[Any]) -> None:
        self.loaded: NDArray[Any] = loaded
        self.length = len(loaded)

    def frames(self, wanted: NDArray[np.int64] | None = None, side: int | None = None) -> Iterator[NDArray[Any]]:
        """Yield each (wanted) frame."""
        for at in range(self.length) if wanted is None else wanted.tolist():
            yield self.loaded[at]


class Spliced(Video):
    """Videos one after the other."""

    def __init__(self, parts: Sequence[Video]) -> None:
        self._parts = parts
        self._ends = np.cumsum([part.length for part in parts])
        self.length = int(self._ends[-1])

    def frames(self, wanted: NDArray[np.int64] | None = None, side: int | None = None) -> Iterator[NDArray[Any]]:
        """Yield each (wanted) frame; each part is opened where it is reached."""
        numbers = np.arange(self.length) if wanted is None else wanted
        for part, end in zip(self._parts, self._ends.tolist(), strict=True):
            begin = end - part.length
            inside = numbers[(numbers >= begin) & (numbers < end)] - begin
            if len(inside):
                yield from part.frames(inside, side)


class Part(Video):
    """Some frames of a longer video, in a row."""

    def __init__(self, whole: Video, first: int, length: int) -> None:
        self._whole, self._first = whole, first
        self.length = length

    def frames(self, wanted: NDArray[np.int64] | None = None, side: int | None = None) -> Iterator[NDArray[Any]]:
        """Yield each (wanted) frame; decoding begins near the first of them where the format allows."""
        numbers = np.arange(self.length) if wanted is None else wanted
        yield from self._whole.frames(numbers + self._first, side)


def _opened(root: Path, name: str, stream: Stream, owner: Owner, format: Format) -> Video:
    if format == "video":
        check_whole(root / name)
        return VideoFile(root / name, owner.recording, owner.stream, name)
    if format in ("npy", "npz", "mat", "hdf5"):
        return ArrayFrames(array_file.read_frames(root / name, stream, format))
    raise BrokenFileError(f"is a table ({format}), but its stream has kind: video; say kind: series or skeleton")


def _times(parts: Sequence[Video], rate: float) -> NDArray[np.float64] | None:
    """Return the seconds of all frames from the first; None where they are evenly spaced."""
    if not any(isinstance(part, VideoFile) and part.times is not None for part in parts):
        return None
    found, begin = [], 0.0
    for part in parts:
        own = part.times if isinstance(part, VideoFile) else None
        times = np.arange(part.length) / rate if own is None else own
        found.append(begin + times)
        begin += float(times[-1]) + 1 / rate
    return np.concatenate(found)
