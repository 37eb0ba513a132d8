"""What goes into a task and what comes out: the shapes of the dicts that data, models and tasks share."""

from __future__ import annotations

from typing import TypedDict

from torch import Tensor


class Batch(TypedDict):
    """Some recordings: raw patches (B, P, D) and masks (B, P) by modality, labels (B,) int64.

    A modality that `valid` does not hold is valid throughout.
    """

    inputs: dict[str, Tensor]
    valid: dict[str, Tensor]
    labels: Tensor


class Output(TypedDict):
    """A model's outputs.

    ``logits`` (B, K): the log of the mean probability over streams; ``embedding`` (B, E); ``streams``: raw
    logits (B, K) by stream (``skeleton/temporal``).
    """

    logits: Tensor
    embedding: Tensor
    streams: dict[str, Tensor]


class TaskOutput(Output):
    """A task's outputs: a model's, and the loss to descend."""

    loss: Tensor
