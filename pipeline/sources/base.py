"""What a source is: a dataset's reader, cheap to list, opening one stream of one recording on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["series", "skeleton", "video"]


class Recording(msgspec.Struct, frozen=True, gc=False):
    """One trial of one subject.

    Attributes
    ----------
    id
        Unique within the source, for instance ``a01_s3_t2``; rows are sorted by it.
    subject, action, session
        As text; numbers without padding. ``action`` is one of the source's classes.
    scene, view
        Where the source knows them.
    start, end
        Seconds within longer files, or None for whole files.
    streams
        For each stream that is there: its files, relative to the source's root, with ``/`` between folders.
    columns
        What else is known of it, as text by name, which protocols may go by; none of the names above.
    """

    id: str
    subject: str
    action: str
    session: str
    scene: str | None = None
    view: str | None = None
    start: float | None = None
    end: float | None = None
    streams: Mapping[str, tuple[str, ...]] = {}
    columns: Mapping[str, str] = {}


@dataclass(frozen=True)
class Modality:
    """What a model sees as one input: one kind of data, from one or more streams, at a nominal rate in Hz.

    Attributes
    ----------
    channels
        Of a series: which channels of its joined streams it has; all where left out.
    units
        Of its own channels, one of each or one of all: ``g``, ``m/s2``, ``deg/s``, ``m`` or any other; none where they
        are not known.
    """

    kind: Kind
    streams: tuple[str, ...]
    rate: float
    channels: tuple[int, ...] = ()
    units: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unparsed:
    """A file in a stream's folder whose name does not say which recording it belongs to."""

    stream: str
    path: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """What is in the source's folder: recordings sorted by id, and the files that could not be placed."""

    recordings: tuple[Recording, ...]
    unparsed: tuple[Unparsed, ...] = ()


@dataclass(frozen=True)
class Probe:
    """What a cheap look at one stream of one recording says: samples or frames, and the shape of one.

    Attributes
    ----------
    series
        What was read, where the look read it whole: it is checked like what is encoded later.
    """

    length: int
    shape: tuple[int, ...]
    series: Series | None = None

    @classmethod
    def of(cls, series: Series) -> Probe:
        """Describe a series that was read."""
        return cls(len(series.values), tuple(series.values.shape[1:]), series)


@dataclass(frozen=True)
class Series:
    """A whole stream in memory.

    Attributes
    ----------
    values
        (T, C) for a series, (T, joints, 3) for a skeleton; float64, finite in single precision, too.
    times
        (T,) seconds, not decreasing: the reader sorts its samples, or raises BadRecording. None where samples are
        evenly spaced. A time that is not finite, or is more than a recording can have by
        `pipeline.sources.time_limits`, is the recording's defect and need not be looked for.
    """

    values: NDArray[np.float64]
    times: NDArray[np.float64] | None = None


class Video(Protocol):
    """A stream of frames, read in order; a context manager, which closes nothing unless a reader says so.

    Attributes
    ----------
    length
        Frames.
    loaded
        (length, H, W, 3) uint8 or (length, H, W) uint16 where all frames are in memory anyway, which spares a call for
        each of them; else None.
    """

    length: int
    loaded: NDArray[np.uint8] | NDArray[np.uint16] | None = None

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *exc: object) -> None:
        """Close what is open between frames; nothing where a reader keeps nothing open."""
        return

    def frames(
        self, wanted: NDArray[np.int64] | None = None, side: int | None = None
    ) -> Iterator[NDArray[np.uint8] | NDArray[np.uint16]]:
        """Yield (H, W, 3) uint8 RGB or (H, W) uint16 millimetres; one frame at a time where the format allows.

        May be called again, from the first frame.

        Parameters
        ----------
        wanted
            Numbers of the frames to yield, increasing; None: all.
        side
            For whoever makes squares of that side of them: a format that can reduce a frame before it becomes RGB may
            yield (side, side, 3), antialiased; others leave frames as they are.
        """
        ...


class Source(Protocol):
    """A dataset's reader. Constructing one and listing it read no file's content.

    One that reads a folder is built as ``Mine(root, params)``: its parameters have a field ``root: str``, which is
    resolved against the stages file's folder, and is no part of the recipe. The names ``name`` and ``times`` are taken.

    One without a root is a generator (see `Generator`).

    What it gives is checked (`validate_listing` and `validate_streams` beside this). An error of the system (OSError)
    it lets pass; anything else that it raises but BadRecording counts as its own mistake.

    Where the values of a stream depend on some of the parameters alone, ``recipe_of(streams)`` returns these, so that
    others make no features stale. ``skeleton_joints(modality)`` returns defaults of encode's joint numbers, by key:
    ``hip_centre`` and the like, and ``parents``, the number of each joint's parent, of a root its own.

    A class may say ``releases_lock = True``: its videos are read by libraries that release the interpreter's lock, so
    that threads read side by side. Those of any other source are read in processes of their own.
    """

    name: str
    root: Path
    classes: tuple[str, ...]  # in label order
    modalities: Mapping[str, Modality]  # the built-in ones, by name

    def list(self) -> Listing:
        """List what is on disk from the names alone; ConfigError where the root is missing or empty."""
        ...

    def probe(self, recording: Recording, stream: str) -> Probe:
        """Check one stream without decoding it all where it is a video; raise BadRecording."""
        ...

    def open_series(self, recording: Recording, stream: str) -> Series:
        """Read a series or skeleton; raise BadRecording (no such stream, truncated, wrong key or shape, words)."""
        ...

    def open_video(self, recording: Recording, stream: str) -> Video:
        """Open a video; raise BadRecording here or while frames are read."""
        ...


class Generator(Source, Protocol):
    """A source that makes its files: built as ``Mine(params, cache)``, with a folder for whatever is made."""

    def recipe(self) -> Mapping[str, object]:
        """Return all that determines the files' content; it stands for their digests in keys."""
        ...

    def ensure(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Make the files in `root` where they are not there yet; `progress` is told recordings done and in all."""
        ...
