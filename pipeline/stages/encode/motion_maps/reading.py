"""Reads one depth stream of one recording, twice: where its foreground lies, then that foreground's views."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.base import Recording
from pipeline.sources.validate_streams import frames_of, loaded_of, opened_video
from pipeline.stages.encode.align import TooShortError, Windows
from pipeline.stages.encode.encoder import EncodeTask, file_of
from pipeline.stages.encode.motion_maps.motion import frame_spans
from pipeline.stages.encode.motion_maps.params import MotionMapParams
from pipeline.stages.encode.motion_maps.views import Depth, Foreground, Views, find_foreground, views_of

BLOCK_BYTES = 4 << 20  # of frames, or of their views, that are in memory at a time

Frames = Generator[NDArray[Any], None, None]


class DepthError(ValueError):
    """A depth video's frames are not what its motion maps need."""


@dataclass(frozen=True)
class OpenedDepth:
    """A depth video that is open.

    Attributes
    ----------
    spans
        (windows, 2): the first and last frame of each window.
    foreground
        The box around what is near enough, over all of these frames.
    """

    spans: NDArray[np.int64]
    foreground: Foreground
    _blocks: Callable[[int, Foreground | None], Iterator[Depth]]
    _params: MotionMapParams

    def views(self) -> Iterator[Views]:
        """Yield the foreground's views, of some frames at a time, from the first window's first frame on."""
        shapes = self.foreground.shapes(self._params.depth_step)
        each = sum(4 * high * wide for high, wide in shapes)
        for block in self._blocks(max(1, BLOCK_BYTES // each), self.foreground):
            yield views_of(block, self.foreground, self._params.depth_step)


@dataclass(frozen=True)
class DepthReader:
    """Reads streams of an encode task's recordings; any number of threads may do so at once."""

    params: MotionMapParams
    task: EncodeTask
    windows: Windows

    @contextmanager
    def opened(self, recording: Recording, stream: str) -> Iterator[OpenedDepth]:
        """Open a stream for the time of a block; BadRecording where it has not what its windows need.

        ConfigError where it is no depth.
        """
        file, length, source = file_of(recording, stream), None, self.task.source
        try:
            with opened_video(source, recording, stream) as video:
                length = video.length
                spans = frame_spans(self.windows, length)
                wanted = np.arange(spans[0, 0], spans[-1, 1] + 1)
                with self.task.timings.phase("decode"):
                    loaded = loaded_of(source, recording, stream, video)
                read = partial(frames_of, source, recording, stream, video)
                blocks = partial(self._blocks, stream, wanted, loaded, read)
                with self.task.timings.phase("foreground"):
                    foreground = find_foreground(blocks(0, None), self.params.depth)
                if foreground is None:
                    raise DepthError("no frame has a reading within depth's near and far, so there is nothing to see")
                yield OpenedDepth(spans, foreground, blocks, self.params)
        except TooShortError as error:
            remedy = "" if length is not None and length < 2 else "; use a smaller window or align: resample"
            raise BadRecording(recording.id, stream, file, f"{error}{remedy}") from error
        except DepthError as error:
            raise BadRecording(recording.id, stream, file, str(error)) from error

    def _blocks(
        self,
        stream: str,
        wanted: NDArray[np.int64],
        loaded: NDArray[Any] | None,
        read: Callable[[NDArray[np.int64]], Frames],
        at_once: int,
        foreground: Foreground | None,
    ) -> Iterator[Depth]:
        """Yield the wanted frames, `at_once` at a time (0: as many as a block holds), of the foreground alone."""
        inside = ... if foreground is None else foreground.pixels
        if loaded is not None:
            _check(stream, loaded[0], None)
            at_once = at_once or max(1, BLOCK_BYTES // loaded[0].nbytes)
            for begin in range(0, len(wanted), at_once):
                yield loaded[wanted[begin] : wanted[min(begin + at_once, len(wanted)) - 1] + 1][inside]
            return
        with closing(read(wanted)) as decoded:
            done, shape = 0, None
            while done < len(wanted):
                with self.task.timings.phase("decode"):
                    block = []
                    for frame in islice(decoded, at_once or 1):
                        _check(stream, frame, shape)
                        shape = frame.shape
                        at_once = at_once or max(1, BLOCK_BYTES // frame.nbytes)
                        block.append(frame[inside].copy())
                if not block:
                    raise DepthError(f"ends early: frame {wanted[done] + 1} is needed and missing")
                done += len(block)
                yield np.stack(block)


def _check(stream: str, frame: NDArray[Any], shape: tuple[int, ...] | None) -> None:
    """Raise ConfigError for a frame that is no depth, DepthError for one of another size than those before it."""
    if frame.ndim != 2:
        problem = f"reduce: motion-maps needs depth, and {stream} is in colour"
        raise ConfigError(f"{problem}; leave reduce out: colour goes through a network")
    if shape is not None and frame.shape != shape:
        raise DepthError(f"a frame has the size {frame.shape}, those before it {shape}")
