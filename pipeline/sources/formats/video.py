"""Frames of a video file through PyAV, decoded one at a time."""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.sources.base import Probe, Video
from pipeline.sources.broken_file import BrokenFileError, for_recording
from pipeline.sources.formats.watched_file import WatchedFile, memory_is_short

if TYPE_CHECKING:
    import numpy as np
    from av.codec.hwaccel import HWAccel
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

_TIMED = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}  # .avi has no times: with B-frames they are made up
_WORTH_SEEKING = 8  # frames that would be decoded for nothing
_BUFFER = 256 << 10  # bytes that are read at once
_ONLY: dict[str, Any] = {  # FFmpeg tells formats by the content, and some that it knows name further files
    "container_options": {
        "format_whitelist": "avi,mov,matroska,mpeg,mpegts,flv,asf,ogg",
        "protocol_whitelist": "file",
        "enable_drefs": "0",
    },
    "options": {"max_pixels": str(1 << 26)},  # of a frame: what announces more is damaged
    "metadata_errors": "replace",  # a title that is not UTF-8 breaks no video
}


@dataclass(frozen=True)
class Packets:
    """What a file's packets say of its frames, without decoding them.

    Attributes
    ----------
    times
        (count,) int64, each frame's presentation time in units of the stream, increasing; None where the file's
        format does not say it reliably of every frame.
    keys
        Numbers of the frames that decoding can begin at, the first among them; empty without times.
    unit
        Of the times, in seconds.
    """

    count: int
    times: NDArray[np.int64] | None
    keys: NDArray[np.int64]
    unit: float = 0.0


class Conversion(Protocol):
    """What becomes of a decoded frame, in the thread that decodes it; what it returns has `nbytes`."""

    @property
    def hwaccel(self) -> HWAccel | None:
        """What decodes; None for the cores."""
        ...

    def begin(self) -> Callable[[VideoFrame], Any]:
        """Return the function that converts frames of one decoder."""
        ...


@dataclass(frozen=True)
class ToRgb:
    """(H, W, 3) or (side, side, 3) uint8 in memory."""

    side: int | None = None
    hwaccel: HWAccel | None = None

    def begin(self) -> Callable[[VideoFrame], NDArray[np.uint8]]:
        """See `Conversion`."""
        from av.video.reformatter import Interpolation, VideoReformatter

        reformatter = VideoReformatter()
        # its filter grows when it reduces, so that it is antialiased; colour is reduced at its full resolution, too
        way = (
            Interpolation.BILINEAR
            | Interpolation.ACCURATE_RND
            | Interpolation.FULL_CHR_H_INT
            | Interpolation.FULL_CHR_H_INP
        )

        def to_rgb(frame: VideoFrame) -> NDArray[np.uint8]:
            found = reformatter.reformat(frame, self.side, self.side, format="rgb24", interpolation=way, threads=1)
            return found.to_ndarray().astype("uint8", copy=False)

        return to_rgb


class VideoFile(Video):
    """A video on disk.

    Opening it reads its packets, but decodes nothing. Each call of `frames` opens the file anew, so nothing stays open
    between calls and frames can be read more than once. For errors: whose it is, and its name below the source's root.

    Raises
    ------
    BadRecording
        Truncated, not a video, or without frames.
    StepError
        The system does not let it be read.
    """

    def __init__(self, path: Path, recording: str, stream: str, name: str) -> None:
        self._path = path
        self._whose = (recording, stream, name)
        with for_recording(*self._whose):
            self._packets = packets(path)
        self.length = self._packets.count

    @property
    def times(self) -> NDArray[np.float64] | None:
        """(length,) seconds from the first frame, increasing; None where the file does not say them reliably."""
        if self._packets.times is None or not self._packets.unit:
            return None
        seconds: NDArray[np.float64] = (self._packets.times - self._packets.times[0]) * self._packets.unit
        return seconds

    def probe(self) -> Probe:
        """Decode the first frame; BadRecording where it cannot be."""
        import numpy as np

        (first,) = self.frames(np.zeros(1, np.int64))
        return Probe(self.length, tuple(first.shape))

    def frames(self, wanted: NDArray[np.int64] | None = None, side: int | None = None) -> Iterator[NDArray[np.uint8]]:
        """Yield each (wanted) frame as (H, W, 3) or (side, side, 3) uint8 RGB.

        Decoding skips what lies between wanted frames where a frame that it can begin at lies there too, and ends at
        the last one. Only wanted frames are converted, and reduced to `side` before they become RGB. BadRecording where
        decoding fails or ends early.
        """
        import numpy as np

        yield from self.converted(np.arange(self.length) if wanted is None else wanted, ToRgb(side))

    def converted(self, wanted: NDArray[np.int64], conversion: Conversion) -> Iterator[Any]:
        """Yield what becomes of the wanted frames; see `frames`."""
        with for_recording(*self._whose):
            found = 0
            for frame in decode(self._path, self._packets, wanted, conversion):
                yield frame
                found += 1
            if found < len(wanted):
                raise BrokenFileError(f"frame {wanted[found] + 1} of {self.length} cannot be decoded")


def packets(path: Path) -> Packets:
    """Look at the packets of a file's first video stream; BrokenFileError where there are none."""
    import numpy as np

    _riff_complete(path)
    times: list[int | None] = []
    keys: list[bool] = []
    with _opened(path, "opened as a video") as container:
        if not container.streams.video:
            raise BrokenFileError("has no video stream")
        if container.streams.video[0].codec_context is None:
            raise BrokenFileError("has a video stream of an unknown kind")
        form = container.format.name
        unit = float(container.streams.video[0].time_base or 0)
        for packet in container.demux(container.streams.video[0]):
            if packet.size:
                times.append(packet.pts)
                keys.append(packet.is_keyframe)
    if not times:
        raise BrokenFileError("has no frames")
    unknown = Packets(len(times), None, np.zeros(0, np.int64))
    if form not in _TIMED or None in times:
        return unknown
    at = np.array(times, np.int64)
    order = np.argsort(at, kind="stable")
    if (np.diff(at[order]) <= 0).any() or not keys[order[0]]:
        return unknown
    return Packets(len(times), at[order], np.flatnonzero(np.array(keys)[order]), unit)


def decode(path: Path, packets: Packets, wanted: NDArray[np.int64], conversion: Conversion) -> Iterator[Any]:
    """Decode frames of a file's first video stream by number, increasing; fewer where it ends early."""
    from pipeline.sources.formats.parallel_decode import cut, decode_pieces

    if len(wanted):
        pieces = [wanted] if packets.times is None else cut(wanted, packets.keys)
        yield from decode_pieces(pieces, partial(_open_decoder, path, packets, conversion))


@contextmanager
def _open_decoder(path: Path, packets: Packets, conversion: Conversion, threads: int) -> Iterator[_Decoder]:
    with _opened(path, "decoded", conversion.hwaccel) as container:
        yield _Decoder(container, packets, conversion.begin(), threads if conversion.hwaccel is None else 1)


class _Decoder:
    """An open file, whose frames are decoded with some threads and converted; see `parallel_decode.Decoder`."""

    def __init__(
        self, container: InputContainer, packets: Packets, convert: Callable[[VideoFrame], Any], threads: int
    ) -> None:
        self._container, self._packets, self._convert = container, packets, convert
        self._stream = container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = threads
        self._decoding, self._before = container.decode(self._stream), -1

    def frames(self, numbers: NDArray[np.int64]) -> Generator[Any, None, None]:
        """Yield each frame, converted."""
        for frame in self._from_the_start(numbers) if self._packets.times is None else self._sought(numbers):
            yield self._convert(frame)

    def _from_the_start(self, numbers: NDArray[np.int64]) -> Iterator[VideoFrame]:
        """Decode all frames to the last one that is wanted: the file does not say when each is to be shown."""
        wanted, last = set(numbers.tolist()), int(numbers[-1])
        for number, frame in enumerate(self._decoding):
            if number in wanted:
                yield frame
            if number == last:
                return

    def _sought(self, numbers: NDArray[np.int64]) -> Iterator[VideoFrame]:
        """Decode from the last frame that decoding can begin at, or go on from where it is."""
        keys, times = self._packets.keys, self._packets.times
        assert times is not None
        nearest = keys.searchsorted(numbers, side="right") - 1
        for number, key in zip(numbers.tolist(), nearest.tolist(), strict=True):
            # seeking restarts the decoder, so a jump is worth it only over frames that would be decoded and dropped
            if keys[key] > self._before + _WORTH_SEEKING:
                self._seek(int(times[keys[key]]))
            back = 1
            while (frame := self._decoded_at(int(times[number]))) is None:
                if key == 0:
                    return
                # decoding may begin there, but give no frame before the picture has recovered (intra refresh)
                key, back = max(0, key - back), 2 * back
                self._seek(int(times[keys[key]]))
            yield frame
            self._before = number

    def _seek(self, time: int) -> None:
        self._container.seek(time, stream=self._stream)
        self._decoding = self._container.decode(self._stream)

    def _decoded_at(self, time: int) -> VideoFrame | None:
        """Decode up to the frame of that time; None where it does not come."""
        for frame in self._decoding:
            if frame.pts is not None and frame.pts >= time:
                return frame if frame.pts == time else None
        return None


@contextmanager
def _opened(path: Path, what: str, hwaccel: HWAccel | None = None) -> Iterator[InputContainer]:
    """Open a file with FFmpeg; BrokenFileError where it cannot be `what` for its bytes' sake.

    FFmpeg has numbers of the system's errors for damaged files, too, and takes a disk's error for a file's end. So
    reading is watched, and an error of the system is raised as what it is.
    """
    import av

    with WatchedFile(path) as file:
        try:
            with av.open(file, "r", buffer_size=_BUFFER, hwaccel=hwaccel, **_ONLY) as container:
                yield container
        except (av.FFmpegError, OSError, ValueError) as error:
            if isinstance(error, BlockingIOError) or (isinstance(error, MemoryError) and memory_is_short()):
                raise  # no thread or no memory for the decoder
            raise BrokenFileError(f"cannot be {what} (FFmpeg: {_said(error)})") from error


def _riff_complete(path: Path) -> None:
    """Check an .avi file's announced size: FFmpeg reads a truncated one without a word."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(12)
    if size == 0:
        raise BrokenFileError("is empty (0 bytes)")
    if start[:4] == b"RIFF" and len(start) == 12:
        announced = 8 + struct.unpack("<I", start[4:8])[0]
        if announced > size:
            raise BrokenFileError(f"truncated: has {size} bytes, its header announces {announced}")


def _said(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if text == "Invalid argument":
        return "damaged, or of a kind that is not read"
    return str(text).splitlines()[0][:120]
