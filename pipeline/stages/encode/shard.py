"""What encoding one shard's recordings gives, and what an encoder of one modality offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadRecording
from pipeline.sources.contract import Recording


@dataclass
class Encoded:
    """Rows of one shard, in the order of its recordings; a broken one stays zero and not valid.

    Attributes
    ----------
    features
        (n, P, D) float32.
    valid
        (n, P) bool.
    series
        (n, L, C) float32, or None.
    broken
        What turned out to be broken, at most one entry a recording.
    """

    features: NDArray[np.float32]
    valid: NDArray[np.bool_]
    series: NDArray[np.float32] | None = None
    broken: dict[str, BadRecording] = field(default_factory=dict)

    def drop(self, row: int, error: BadRecording) -> None:
        """Empty a row whose recording is broken; the first reason stays."""
        self.features[row] = 0
        self.valid[row] = False
        if self.series is not None:
            self.series[row] = 0
        self.broken.setdefault(error.recording, error)


class Encoder(Protocol):
    """Encodes recordings of one modality.

    Attributes
    ----------
    width
        D, features of a patch.
    channels
        C, channels of the stored series; None where none is stored.
    images
        Images that went through a network so far.
    provenance
        What else is worth knowing about this run: device, resolved weights.
    """

    width: int
    channels: int | None
    images: int
    provenance: dict[str, Any]

    def encode(self, recordings: Sequence[Recording | None], strict: bool) -> Encoded:
        """Encode one shard's recordings, None for a row to leave empty; `strict` raises BadRecording."""
        ...


def file_of(recording: Recording, stream: str) -> str:
    """Return the stream's first file, for messages.

    Raises
    ------
    BadRecording
        The recording lacks the stream.
    """
    files = recording.streams.get(stream, ())
    if not files:
        raise BadRecording(recording.id, stream, recording.id, f"has no {stream} file")
    return files[0]
