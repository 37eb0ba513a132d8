"""Stored features of some recordings, as training data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from pipeline.errors import StepError
from store.features import open_features
from trainers.data import RecordingData
from trainers.modality import ModalityData

if TYPE_CHECKING:
    from pipeline.stages.context import Context
    from store.outputs import Output
    from trainers.params import AugmentParams


def read_recordings(
    context: Context, side: str, modalities: Sequence[str], augment: AugmentParams | None = None
) -> tuple[RecordingData, list[int]]:
    """Read one side of a fold.

    Parameters
    ----------
    side
        ``train`` or ``test``: rows and labels in the step's work.
    modalities
        In the order in which the model takes them.

    Returns
    -------
    RecordingData
        Without the recordings that turned out to be broken while they were encoded.
    list of int
        Their places within the side.

    Raises
    ------
    StepError
        Nothing is left.
    """
    rows = [row for row, _ in context.work[side]]
    labels = torch.tensor([label for _, label in context.work[side]], dtype=torch.int64)
    data = [read_modality(name, context.outputs[context.work["features"][name]], rows) for name in modalities]
    whole = torch.stack([modality.valid.any(1) for modality in data]).all(0)
    kept = torch.nonzero(whole).flatten()
    if not len(kept):
        raise StepError(f"the fold's {side} side has no usable recording\n  see `pipeline status` for broken ones")
    if len(kept) < len(rows):
        data = [modality.select(kept) for modality in data]
    return RecordingData(data, labels[kept], augment), kept.tolist()


def read_modality(name: str, output: Output, rows: Sequence[int]) -> ModalityData:
    """Read one modality's features (and series, where they are kept) of some rows, in their order."""
    stored = open_features(output)
    attributes = stored.attributes

    def read(array: str) -> torch.Tensor:
        values = stored.read(array, rows)
        return torch.from_numpy(values if values.dtype == bool else values.astype(np.float32, copy=False))

    return ModalityData(
        name=name,
        kind=attributes["kind"],
        features=read("features"),
        valid=read("valid"),
        series=read("series") if "series" in stored.names else None,
        window=attributes["window"],
        stride=attributes["stride"],
        reduce=attributes["reduce"],
        velocities=attributes["velocities"],
        vertical_axis=attributes["vertical_axis"],
    )
