"""Reads one stream of one recording into blocks of frames, as they are stored: what the cores do for any device."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.base import Recording
from pipeline.sources.formats.video import VideoFile
from pipeline.sources.validate_streams import frames_of, loaded_of, opened_video
from pipeline.stages.encode.align import TooShortError, Windows, frames
from pipeline.stages.encode.encoder import EncodeTask, file_of
from pipeline.stages.encode.video.frames import (
    Allocate,
    CropSquare,
    Frame,
    FramesError,
    FramesOfWindows,
    FrameStack,
    FramesToImages,
    pageable,
    person_square,
)
from pipeline.stages.encode.video.gpu_decode import GpuDecoder
from pipeline.stages.encode.video.params import VideoParams

BLOCK_BYTES = 8 << 20  # of frames that are read before they are handed on, or of the images that they could become


@dataclass(frozen=True)
class FrameBlock:
    """Frames that follow each other, and what makes images of them and of those before and after."""

    frames: Tensor  # (n, H, W) uint16 or (n, H, W, 3) uint8; on the CPU, or on the GPU that decoded them
    to_images: FramesToImages


@dataclass(frozen=True)
class StreamReader:
    """Reads streams of an encode task's recordings; any number of threads may do so at once."""

    params: VideoParams
    task: EncodeTask
    windows: Windows
    allocate: Allocate = pageable
    gpu: GpuDecoder | None = None

    def read(self, recording: Recording, stream: str) -> Iterator[FrameBlock]:
        """Yield the frames that a stream's windows need; BadRecording where it has not what they need."""
        file, length = file_of(recording, stream), None
        try:
            with ExitStack() as opened:
                with self.task.timings.phase("decode"):
                    video = opened.enter_context(opened_video(self.task.source, recording, stream))
                length = video.length
                of_windows = _frames_of_windows(self.windows, length)
                needed = of_windows.needed
                read = partial(frames_of, self.task.source, recording, stream, video)
                loaded = loaded_of(self.task.source, recording, stream, video)
                crop = self._crop(read, needed)
                to_images = FramesToImages(of_windows, self.params)
                if loaded is not None:
                    for block in self._loaded_blocks(loaded, needed, crop):
                        yield FrameBlock(block, to_images)
                    return
                if self.gpu is not None and crop is None and isinstance(video, VideoFile):
                    for block in self._blocks_on_gpu(self.gpu, video, needed):
                        yield FrameBlock(block, to_images)
                        needed = needed[len(block) :]
                with closing(read(needed, None if crop else self.params.image_size)) as decoded:
                    for block in self._decoded_blocks(decoded, needed, crop):
                        yield FrameBlock(block, to_images)
        except TooShortError as error:
            remedy = "" if length == 0 else "; use a smaller window or align: resample"
            raise BadRecording(recording.id, stream, file, f"{error}{remedy}") from error
        except FramesError as error:
            raise BadRecording(recording.id, stream, file, str(error)) from error

    def _decoded_blocks(
        self, decoded: Iterator[Frame], needed: NDArray[np.int64], crop: CropSquare | None
    ) -> Iterator[Tensor]:
        """Yield the needed frames, some at a time; FramesError where there are fewer, or of several sizes."""
        begun, shape = 0, None
        while begun < len(needed):
            with self.task.timings.phase("decode"):
                frame = _next(decoded, needed[begun], shape)
                shape = frame.shape
                count = min(len(needed) - begun, self._frames_at_once(frame))
                stack = FrameStack(count, frame, crop, self.allocate)
                stack.put(0, frame)
                for row, number in enumerate(needed[begun + 1 : begun + count].tolist(), start=1):
                    stack.put(row, _next(decoded, number, shape))
            begun += count
            yield stack.tensor

    def _blocks_on_gpu(self, gpu: GpuDecoder, video: VideoFile, needed: NDArray[np.int64]) -> Iterator[Tensor]:
        """Yield the needed frames that the GPU decodes, some at a time."""
        at_once = max(1, BLOCK_BYTES // (12 * self.params.image_size**2))
        with closing(gpu.frames(video, needed)) as decoded:
            frames = self.task.timings.timed("decode", decoded)
            while some := list(islice(frames, at_once)):
                yield torch.stack(some)

    def _loaded_blocks(
        self, loaded: NDArray[Any], needed: NDArray[np.int64], crop: CropSquare | None
    ) -> Iterator[Tensor]:
        """Yield the needed frames of a video that is in memory, some at a time."""
        at_once = self._frames_at_once(loaded[0])
        for begin in range(0, len(needed), at_once):
            with self.task.timings.phase("decode"):
                some = needed[begin : begin + at_once]
                stack = FrameStack(len(some), loaded[0], crop, self.allocate)
                stack.take(loaded, some)
            yield stack.tensor

    def _frames_at_once(self, frame: Frame) -> int:
        image = 4 * self.params.image_size**2 * (3 if frame.ndim == 3 else 1)
        return max(1, BLOCK_BYTES // max(frame.nbytes, image))

    def _crop(self, read: Callable[..., Generator[Frame, None, None]], needed: NDArray[np.int64]) -> CropSquare | None:
        """Look once through the frames for the person; the video is then read again from its start."""
        if self.params.crop == "none":
            return None
        with self.task.timings.phase("decode"):
            first = next(read(needed[:1]), None)
            if first is not None and first.ndim != 2:
                raise ConfigError("crop: person needs depth without background; for colour set crop: none")
            square = person_square(read(needed))
        if square is None:
            raise FramesError("no frame has a reading, so there is no person to crop to")
        return square


@lru_cache(256)
def _frames_of_windows(spec: Windows, length: int) -> FramesOfWindows:
    return FramesOfWindows(frames(spec, length))


def _next(decoded: Iterator[Frame], number: int, shape: tuple[int, ...] | None) -> Frame:
    """Return the next frame, which has that number, and the shape of those before it, if there are any."""
    frame = next(decoded, None)
    if frame is None:
        raise FramesError(f"ends early: frame {number + 1} is needed and missing")
    if shape is not None and frame.shape != shape:
        raise FramesError(f"frame {number} has the size {frame.shape[:2]}, those before it {shape[:2]}")
    return frame
