"""What a source gives, held against its contract.

What a file's content says is its recording's defect (`BadRecording`, which follows ``on_bad_recording``). What the
source's own module does otherwise than `pipeline.sources.base` says is a mistake there (`ContractError`).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.error_origin import raised_in
from pipeline.errors import BadRecording, ContractError, PipelineError
from pipeline.sources.base import Probe, Recording, Series, Source, Video
from pipeline.sources.broken_file import BrokenFileError, for_recording
from pipeline.sources.time_limits import TimeLimits, check

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REMEDY = "fix it there; pipeline/sources/base.py says what is wanted"


def probed(source: Source, recording: Recording, stream: str, limits: TimeLimits) -> Probe:
    """Look at one stream; where the look read a series, that is checked, too."""
    with asking(source, "probe", recording, stream):
        found = source.probe(recording, stream)
    good = isinstance(found, Probe) and isinstance(found.length, int) and isinstance(found.shape, tuple)
    if not good or not all(isinstance(size, int) and size >= 0 for size in (found.length, *found.shape)):
        raise mistake(source, f"probe of {_of(recording, stream)} gave {found!r:.80}, wanted a Probe of whole numbers")
    if found.series is not None:
        _check_series(source, recording, stream, found.series, limits)
    return found


def series_of(source: Source, recording: Recording, stream: str, limits: TimeLimits) -> Series:
    """Read a series or skeleton, checked: finite in single precision, at times that are ordered and possible."""
    with asking(source, "open_series", recording, stream):
        found = source.open_series(recording, stream)
    _check_series(source, recording, stream, found, limits)
    return found


@contextmanager
def opened_video(source: Source, recording: Recording, stream: str) -> Iterator[Video]:
    """Open a video for the time of a block; its frames are read by `frames_of`."""
    video = video_of(source, recording, stream)
    with asking(source, "__enter__", recording, stream):
        video.__enter__()
    try:
        yield video
    finally:
        with asking(source, "__exit__", recording, stream):
            video.__exit__(None, None, None)


def video_of(source: Source, recording: Recording, stream: str) -> Video:
    """Open a video."""
    with asking(source, "open_video", recording, stream):
        found = source.open_video(recording, stream)
    length = getattr(found, "length", None)
    if isinstance(length, bool) or not isinstance(length, int) or length < 0 or not hasattr(found, "frames"):
        raise mistake(
            source, f"open_video of {_of(recording, stream)} gave {found!r:.80}, wanted a Video with its length"
        )
    return found


def frames_of(
    source: Source,
    recording: Recording,
    stream: str,
    video: Video,
    wanted: NDArray[np.int64],
    side: int | None = None,
) -> Generator[NDArray[np.uint8] | NDArray[np.uint16], None, None]:
    """Read frames of a video, each checked."""
    import numpy as np

    # one context for all frames: entering it for each would hold the interpreter's lock as long as reading takes
    with asking(source, "frames", recording, stream):
        for frame in video.frames(wanted, side):
            if not (isinstance(frame, np.ndarray) and _is_frame(frame.dtype, frame.shape)):
                raise mistake(source, f"frames of {_of(recording, stream)} gave {_kind(frame)}, wanted {_FRAME}")
            yield frame


def loaded_of(source: Source, recording: Recording, stream: str, video: Video) -> NDArray[Any] | None:
    """Return all frames of a video that has them in memory, checked; None for others."""
    import numpy as np

    loaded = getattr(video, "loaded", None)
    if loaded is None:
        return None
    good = isinstance(loaded, np.ndarray) and len(loaded) == video.length and _is_frame(loaded.dtype, loaded.shape[1:])
    if not good:
        raise mistake(
            source, f"loaded frames of {_of(recording, stream)} are {_kind(loaded)}, wanted {video.length} of {_FRAME}"
        )
    found: NDArray[Any] = loaded
    return found


_FRAME = "uint8 (H, W, 3) or uint16 (H, W)"


def _is_frame(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bool:
    return (len(shape) == 2 and dtype == "uint16") or (len(shape) == 3 and shape[2] == 3 and dtype == "uint8")


def _kind(found: Any) -> str:
    return f"{getattr(found, 'dtype', type(found).__name__)} {getattr(found, 'shape', '')}".strip()


def mistake(source: Source, what: str) -> ContractError:
    """Say that a source does not keep its contract."""
    return ContractError(f"source {source.name} ({_module(source)}): {what}\n  {REMEDY}")


def _check_series(source: Source, recording: Recording, stream: str, series: Series, limits: TimeLimits) -> None:
    import numpy as np

    values, times = getattr(series, "values", None), getattr(series, "times", None)
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu" or values.ndim < 2:
        what = f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else type(values or series).__name__
        said = f"the series of {_of(recording, stream)} is {what}, wanted real numbers (T, C) or (T, joints, 3)"
        raise mistake(source, said)
    if times is not None:
        _check_type_of_times(source, recording, stream, times, len(values))
    with for_recording(recording.id, stream, _file(recording, stream)):
        if not len(values):
            raise BrokenFileError("has no samples")
        if not np.isfinite(values).all():
            raise BrokenFileError("has a value that is not finite")
        largest = max(float(values.max()), -float(values.min()))
        if largest > float(np.finfo(np.float32).max):
            raise BrokenFileError(f"has a value of {largest:g}, more than single precision holds")
        if times is not None:
            _check_finite(times)
            _check_order(source, recording, stream, times)
            check(times, limits)


def _check_type_of_times(source: Source, recording: Recording, stream: str, times: Any, samples: int) -> None:
    import numpy as np

    real = isinstance(times, np.ndarray) and times.dtype.kind in "fiu"
    if not real or times.shape != (samples,):
        what = f"{times.dtype} {times.shape}" if isinstance(times, np.ndarray) else type(times).__name__
        raise mistake(
            source, f"the times of {_of(recording, stream)} are {what}, wanted one number for each of {samples}"
        )


def _check_finite(times: NDArray[Any]) -> None:
    import numpy as np

    finite = np.isfinite(times)
    if not finite.all():
        first = int(finite.argmin())
        raise BrokenFileError(f"has a time that is not finite: sample {first} is at {times[first]} s")


def _check_order(source: Source, recording: Recording, stream: str, times: NDArray[Any]) -> None:
    backwards = times[1:] < times[:-1]
    if backwards.any():
        at = int(backwards.argmax()) + 1
        raise mistake(
            source,
            f"the times of {_of(recording, stream)} are not in order: sample {at} is at {times[at]} s, the one before "
            f"it at {times[at - 1]} s; let the reader sort its samples, or raise BadRecording",
        )


def _module(source: Source) -> str:
    while hasattr(source, "wrapped"):  # in a check of its files, in what has it read elsewhere
        source = source.wrapped
    return type(source).__module__


def _of(recording: Recording, stream: str) -> str:
    return f"recording {recording.id}, stream {stream},"


def _file(recording: Recording, stream: str) -> str:
    return next(iter(recording.streams.get(stream, ())), recording.id)


@contextmanager
def asking(source: Source, method: str, recording: Recording | None = None, stream: str = "") -> Iterator[None]:
    """Let pass what a source may raise, and the system's errors; say of anything else where it was raised."""
    try:
        yield
    except (PipelineError, BrokenFileError, OSError, MemoryError):
        raise
    except Exception as error:
        if recording is not None and not recording.streams.get(stream):
            raise BadRecording(recording.id, stream, recording.id, f"has no {stream} file") from error
        found = raised_in(error, [_module(source)])
        place = f" at {found[1]}" if found else ""
        whose = f" of {_of(recording, stream)}" if recording is not None else ""
        remedy = "; for a file that cannot be used, raise BadRecording" if recording is not None else ""
        raise mistake(source, f"{method}{whose} raised {type(error).__name__}{place}: {error}{remedy}") from error
