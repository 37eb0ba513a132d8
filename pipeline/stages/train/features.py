"""Stored features of some recordings, as training data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import torch

from pipeline.errors import StepError
from pipeline.stages.reduction import resolve_reduction
from pipeline.stages.train.recipe import FoldWork, Part
from pipeline.stages.train.row_loader import RowLoader
from store.features import open_features
from trainers.data.inputs import ImageInput, Input, SeriesInput
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.data.virtual.copies import VirtualSeries
from trainers.gaf.params import GafParams

if TYPE_CHECKING:
    from pipeline.stages.context import Context, Resolve
    from store.features import FeatureOutput
    from trainers.params import AugmentParams, Pairing


def read_recordings(
    context: Context,
    part: Part,
    names: Sequence[str],
    augment: AugmentParams | None = None,
    trained: Sequence[str] = (),
    pairing: Pairing = "recording",
) -> tuple[RecordingData, list[int]]:
    """Read the named inputs of one part of a fold, whose rows and labels are in the step's work.

    `trained` are the inputs of the model that is trained, where others are read for its teacher; `pairing` says of
    which recordings.

    Returns
    -------
    tuple
        The recordings but those that turned out to be broken while they were encoded, and their positions within the
        part; StepError where none can be used.
    """
    work = msgspec.convert(context.work, FoldWork)
    recordings: list[tuple[int, int]] = getattr(work, part)
    labels = torch.tensor([label for _, label in recordings], dtype=torch.int64)  # (N,)
    stored = {name: open_features(context.outputs[work.features[name]]) for name in names}
    rows = [row for row, _ in recordings]
    valid = [torch.from_numpy(each.read("valid", rows)).any(1) for each in stored.values()]
    kept = torch.nonzero(torch.stack(valid).all(0)).flatten().tolist()
    if not kept:
        raise StepError(f"the fold's {part} side has no usable recording\n  see `pipeline status` for broken ones")
    loader = RowLoader([rows[position] for position in kept])
    inputs = [_read_input(name, stored[name], loader, context.resolve, images=augment is None) for name in names]
    virtual = {
        modality: _read_virtual(open_features(context.outputs[step]), loader)
        for modality, step in work.virtual.items()
        if augment is not None and augment.virtual
    }
    return RecordingData(inputs, labels[kept], augment, trained, pairing, virtual), kept


def read_validation(context: Context, names: Sequence[str]) -> RecordingData | None:
    """Read what is set apart of a fold's training side, to be augmented never; None where nothing is."""
    if not msgspec.convert(context.work, FoldWork).validation:
        return None
    data, _ = read_recordings(context, "validation", names)
    return data


def _read_virtual(stored: FeatureOutput, loader: RowLoader) -> VirtualSeries:
    return VirtualSeries(loader.read(stored, "series"), loader.read(stored, "valid").any(1))


def _read_input(name: str, stored: FeatureOutput, loader: RowLoader, resolve: Resolve, *, images: bool) -> Input:
    """Read one input; stored images only where they are wanted, since augmented training renders its own."""
    attributes = stored.attributes
    modality, _, form = name.partition(":")

    def read(array: str) -> torch.Tensor:
        return loader.read(stored, array)

    common = {"kind": attributes["kind"], "vertical_axis": attributes.get("vertical_axis")}
    if form == "images":
        rendered = loader.read(stored, "images", as_stored=True) if images and "images" in stored.names else None
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
        reduce=resolve_reduction(attributes["reduce"], resolve),
        velocities=attributes["velocities"],
        parents=tuple(attributes.get("parents", ())),
        **common,
    )
