"""Stored features of some recordings, as training data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch

from pipeline.errors import StepError
from store.features import open_features
from trainers.data import RecordingData
from trainers.gaf.params import GafParams
from trainers.inputs import ImageInput, Input, SeriesInput
from trainers.modality import ModalityData

if TYPE_CHECKING:
    from pipeline.stages.context import Context
    from store.outputs import Output
    from trainers.params import AugmentParams


def read_recordings(
    context: Context, side: str, names: Sequence[str], augment: AugmentParams | None = None
) -> tuple[RecordingData, list[int]]:
    """Read one side of a fold.

    Parameters
    ----------
    side
        ``train`` or ``test``: rows and labels in the step's work.
    names
        Inputs, in the order in which the model takes them.

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
    inputs = [
        read_input(name, context.outputs[context.work["features"][name]], rows, images=augment is None)
        for name in names
    ]
    whole = torch.stack([data.valid.any(1) for data in inputs]).all(0)
    kept = torch.nonzero(whole).flatten()
    if not len(kept):
        raise StepError(f"the fold's {side} side has no usable recording\n  see `pipeline status` for broken ones")
    if len(kept) < len(rows):
        inputs = [data.select(kept) for data in inputs]
    return RecordingData(inputs, labels[kept], augment), kept.tolist()


def read_input(name: str, output: Output, rows: Sequence[int], *, images: bool) -> Input:
    """Read one input of some rows, in their order.

    Parameters
    ----------
    images
        Whether stored images are wanted; augmented training renders its own.
    """
    stored = open_features(output)
    attributes = stored.attributes
    modality, _, form = name.partition(":")

    def read(array: str) -> torch.Tensor:
        values = stored.read(array, rows)
        return torch.from_numpy(values if values.dtype == bool else values.astype(np.float32, copy=False))

    common = {"kind": attributes["kind"], "vertical_axis": attributes.get("vertical_axis")}
    if form == "images":
        rendered = torch.from_numpy(stored.read("images", rows)) if images and "images" in stored.names else None
        gaf = msgspec.convert(attributes["gaf"], GafParams)
        return ImageInput(modality, series=read("series"), valid=read("valid"), gaf=gaf, images=rendered, **common)
    if form == "series":
        valid = read("valid").any(1, keepdim=True)
        return SeriesInput(modality, series=read("series"), valid=valid, **common)
    return ModalityData(
        name=modality,
        features=read("features"),
        valid=read("valid"),
        series=read("series") if "series" in stored.names else None,
        window=attributes["window"],
        stride=attributes["stride"],
        reduce=attributes["reduce"],
        velocities=attributes["velocities"],
        **common,
    )
