"""What an encoder of one kind of modality is given and offers, and what it makes of one shard."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.cores import cores
from pipeline.errors import BadRecording, StepError
from pipeline.sources.base import Modality, Recording, Source
from pipeline.sources.time_limits import DEFAULT, TimeLimits
from pipeline.stages.encode.timings import Timings

if TYPE_CHECKING:
    import torch

    from pipeline.stages.context import Resolve


@dataclass(frozen=True)
class EncodeTask:
    """What is encoded, and how it runs.

    Attributes
    ----------
    name, modality, source
        Which modality of which dataset.
    recordings
        One for each row of the output, in order.
    broken
        Recordings known to be broken, with the reason: their rows stay zero and not valid.
    strict
        Stop at the first broken recording; otherwise its row stays empty.
    device
        Where the network of a video modality runs; nothing else uses it.
    weights_file
        The network's weights; None for weights by name and for ``none``.
    threads
        That read, and on a CPU as many that compute.
    limits
        What the times of a series can be.
    resolve
        See `Context.resolve`; None: there are no plug-ins.
    timings
        Where time is counted.
    """

    name: str
    modality: Modality
    source: Source
    recordings: Sequence[Recording]
    broken: Mapping[str, str]
    strict: bool
    device: torch.device
    weights_file: Path | None = None
    threads: int = field(default_factory=cores)
    limits: TimeLimits = DEFAULT
    resolve: Resolve | None = None
    timings: Timings = field(default_factory=Timings)


@dataclass
class Encoded:
    """Rows of one shard, in the order of its recordings; a broken one is zero and not valid."""

    features: NDArray[np.float32]  # (n, P, D)
    valid: NDArray[np.bool_]  # (n, P)
    series: NDArray[np.float32] | None = None  # (n, L, C)
    broken: dict[str, BadRecording] = field(default_factory=dict)  # what turned out to be broken, by recording
    images: int = 0  # that went through a network


class Encoder(Protocol):
    """Encodes recordings of one modality.

    Attributes
    ----------
    width
        D, features of a patch.
    channels
        C, channels of the stored series; None where none is stored.
    attributes
        ``reduce``, ``velocities``, ``vertical_axis`` and, where there are bones, ``parents``: how patches came from the
        series.
    provenance
        What is worth knowing about this run: device, resolved weights.
    """

    width: int
    channels: int | None
    attributes: dict[str, Any]

    @property
    def provenance(self) -> dict[str, Any]: ...

    def encode(
        self, shards: Iterable[Sequence[Recording | None]], seen: Callable[[], None]
    ) -> Generator[Encoded, None, None]:
        """Encode shards of recordings, None for a row to leave empty; BadRecording where the task is strict.

        `shards` may be read ahead, in another thread. `seen` is called for every recording that was read.
        """
        ...


# Makes the encoder of a kind from the kind's parameters; reads of the usable recordings what tells its widths.
BuildEncoder = Callable[[Any, EncodeTask], Encoder]


def file_of(recording: Recording, stream: str) -> str:
    """Return the stream's first file, for messages; BadRecording where the recording lacks the stream."""
    files = recording.streams.get(stream, ())
    if not files:
        raise BadRecording(recording.id, stream, recording.id, f"has no {stream} file")
    return files[0]


def stopped_by(name: str, error: BadRecording) -> StepError:
    """Return the error of a strict task that met a broken recording."""
    return StepError(
        f"{name}: {error}. This is the first such recording: repair or remove its file, or set on_bad_recording: skip, "
        "which goes on and lists all"
    )


class NothingUsable(StepError):
    """Every recording is broken; `reasons` say why, by recording."""

    def __init__(self, message: str, reasons: Mapping[str, str]) -> None:
        super().__init__(message)
        self.reasons = dict(reasons)


def nothing_usable(name: str, reasons: Mapping[str, str]) -> NothingUsable:
    """Say that every recording is broken."""
    first = next(iter(reasons.values()), "there is none")
    problem = f"{name}: no recording can be used ({len(reasons)} are broken; the first: {first})"
    return NothingUsable(problem, reasons)
