"""What goes into a task and what comes out: the shapes of the dicts that data, models and tasks share.

Inputs go by name: `inertial` is a modality's patches, `inertial:series` its aligned samples, `inertial:images`
its Gramian angular fields; see `trainers.data.modality`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NotRequired, Protocol, TypedDict

from torch import Tensor


class Inputs(TypedDict):
    """Raw values and masks of some recordings by input.

    Patches are (B, P, D) with masks (B, P), series (B, L, C), images (B, C, S, S). An input that `valid` does
    not hold is valid throughout.
    """

    inputs: dict[str, Tensor]
    valid: dict[str, Tensor]


class Batch(Inputs):
    """Some recordings and their labels (B,) int64.

    With mixup, recordings are mixed with the next ones of the batch, the last one with the first. `shares` (B,) says
    how much is the recording itself: the larger part, whose label stands in `labels`. With modality dropout, `seen` has
    the masks (B, P) that the trained model goes by; a teacher goes by `valid`. With a wrong pairing, `teacher` has what
    a teacher sees instead, of other recordings.
    """

    labels: Tensor
    shares: NotRequired[Tensor]
    seen: NotRequired[dict[str, Tensor]]
    teacher: NotRequired[Inputs]


class RowBatch(Batch):
    """Some training rows of a model that is solved, inputs standardised: recordings, or augmented copies of them.

    ``recordings`` (B,) int64 numbers the recording that a row is, or is a copy of.
    """

    recordings: Tensor


class TrainingRows(Protocol):
    """All training rows, in chunks on the device: first all recordings, then as many copies of each of them.

    They can be read again, and are the same each time; `len` is the number of rows.
    """

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[RowBatch]: ...


class ModelOutput(TypedDict):
    """A model's outputs.

    ``logits`` (B, K): the log of the mean probability over streams; ``embedding`` (B, E); ``streams``: raw
    logits (B, K) by stream (``skeleton/temporal``); ``maps``: feature maps (B, C, H, W) from shallow to deep,
    with time along H, and W = 1 where there is no second axis. ``present`` (B,) bool by stream: where it is False, the
    stream's modality is absent and the losses of its own leave it out; tasks add it, and without it all are there.
    """

    logits: Tensor
    embedding: Tensor
    streams: dict[str, Tensor]
    maps: tuple[Tensor, ...]
    present: NotRequired[dict[str, Tensor]]


class TaskOutput(ModelOutput):
    """A task's outputs: a model's, and the loss to descend."""

    loss: Tensor
