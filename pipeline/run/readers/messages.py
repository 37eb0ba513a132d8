"""What a step and a process that reads for it tell each other, a JSON object a line."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.sources.base import Recording

PARTS = 2  # of the shared memory: one is read from while the other is written
PART_BYTES = 1 << 28  # more than a frame of the most pixels takes; only what is used takes memory


class OpenSource(msgspec.Struct, frozen=True, tag=True):
    """Open a dataset; the first message, answered only where it fails."""

    source: dict[str, Any]  # the stages file's, its root made absolute
    code: dict[str, tuple[str, str]]  # the modules that may run, as they were hashed
    folder: str = "."  # the stages file's, from which files of plug-ins are named


class OpenVideo(msgspec.Struct, frozen=True, tag=True):
    """Open a stream of a recording, answered by `Opened` or `ReadFailed`."""

    recording: Recording
    stream: str


class ReadFrames(msgspec.Struct, frozen=True, tag=True):
    """Read frames of the open video; answered by any number of `Frames`, then `Ended` or `ReadFailed`."""

    wanted: list[int]
    side: int | None


class Release(msgspec.Struct, frozen=True, tag=True):
    """The part of the memory that the oldest `Frames` named may be used again."""


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Read no further frames; answered by `Ended`, unless that was said before."""


class CloseVideo(msgspec.Struct, frozen=True, tag=True):
    """Close the open video; answered by `Ended` or `ReadFailed`."""


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The video is open, and has so many frames."""

    length: int


class Frames(msgspec.Struct, frozen=True, tag=True):
    """Frames of one shape that follow each other lie in the shared memory."""

    begin: int  # byte
    count: int
    shape: tuple[int, ...]
    dtype: str
    by_column: bool  # (H, W) frames lie there as (W, H)


class Ended(msgspec.Struct, frozen=True, tag=True):
    """There are no further frames."""


class ReadFailed(msgspec.Struct, frozen=True, tag=True):
    """What was raised: the name of the class, and what it is made from."""

    error: str
    arguments: list[Any]
    traceback: str


Request = OpenSource | OpenVideo | ReadFrames | Release | Stop | CloseVideo
Reply = Opened | Frames | Ended | ReadFailed
