"""Standardisation: fitted on the training recordings, kept with the model, applied in front of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from trainers.data.device import RunningMoments, row_chunks
from trainers.data.inputs import CHUNK, Input
from trainers.data.modality import ModalityData, feature_groups
from trainers.params import Mode, StandardiseParams

SMALLEST = 1e-6  # a deviation below it is that of a constant feature, which is only centred


class Standardiser(nn.Module):
    """Shift and scale of every feature of every input, as buffers, so that they travel with a model.

    Patches (P, D) and series (L, C) have one of each for the last axis, images (C, S, S) one for each channel.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.names = tuple(shapes)
        for name, shape in shapes.items():
            self.register_buffer(f"{name}/mean", torch.zeros(_fitted(shape)))
            self.register_buffer(f"{name}/scale", torch.ones(_fitted(shape)))

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Standardise raw inputs (B, ...) of this standardiser's own names; others are left out."""
        return {
            name: (inputs[name] - self.get_buffer(f"{name}/mean")) * self.get_buffer(f"{name}/scale")
            for name in self.names
        }


def fit_standardiser(training: Iterable[Input], params: StandardiseParams) -> Standardiser:
    """Fit shift and scale on the valid values of training recordings alone."""
    inputs = list(training)
    standardiser = Standardiser({data.name: data.shape for data in inputs})
    for data in inputs:
        image = len(data.shape) == 3
        mode = params.images if image else getattr(params, data.kind)
        if mode == "none":
            continue
        mean, deviation = _image_moments(data, mode) if image else _moments(data, mode)
        shape = _fitted(data.shape)
        standardiser._buffers[f"{data.name}/mean"] = mean.float().view(shape)
        standardiser._buffers[f"{data.name}/scale"] = (1 / deviation).float().view(shape)
    return standardiser


def _fitted(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[0], 1, 1) if len(shape) == 3 else shape[-1:]


def _moments(data: Input, mode: Mode) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each feature of patches or series, (D,) float64."""
    width = data.shape[1]
    groups = _groups(data, mode)
    moments = [RunningMoments() for _ in groups]
    for rows in row_chunks(len(data), data.shape[0] * width):
        taken = data.take(rows.to(data.valid.device))  # (n, P, D)
        values = taken[data.valid[rows].expand(taken.shape[:2])].double().cpu()  # (valid patches, D)
        for members, running in zip(groups, moments, strict=True):
            running.add(values[:, members].flatten())
    mean, deviation = torch.zeros(width, dtype=torch.float64), torch.ones(width, dtype=torch.float64)
    for members, running in zip(groups, moments, strict=True):
        if running.count:
            mean[members], deviation[members] = running.mean, running.deviation
    return mean, torch.where(deviation < SMALLEST, 1.0, deviation)


def _image_moments(data: Input, mode: Mode) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel of images, (C,) float64, some images at a time."""
    channels, side = data.shape[0], data.shape[1]
    sums = torch.zeros(2, channels, dtype=torch.float64)
    count = 0
    for rows in torch.split(torch.nonzero(data.valid.all(1)).flatten(), CHUNK):
        images = data.take(rows).double().cpu()
        sums += torch.stack([images.sum((0, 2, 3)), images.square().sum((0, 2, 3))])
        count += len(rows) * side * side
    if not count:
        return sums[0], torch.ones(channels, dtype=torch.float64)
    mean, square = sums / count
    if mode == "global":
        mean, square = mean.mean().expand(channels), square.mean().expand(channels)
    deviation = (square - mean.square()).clamp(min=0).sqrt()
    return mean, torch.where(deviation < SMALLEST, 1.0, deviation)


def _groups(data: Input, mode: Mode) -> list[Tensor]:
    """Masks (D,) of features that share a mean and a deviation."""
    width = data.shape[1]
    if mode == "channel":
        groups = torch.arange(width)
    else:
        groups = feature_groups(data) if isinstance(data, ModalityData) else torch.zeros(width, dtype=torch.int64)
    return [groups == group for group in torch.unique(groups)]


class Standardised(nn.Module):
    """A model behind its own standardiser: takes raw inputs, of more names than it uses if need be."""

    def __init__(self, model: nn.Module, standardiser: Standardiser) -> None:
        super().__init__()
        self.model = model
        self.standardiser = standardiser

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> Any:
        """Standardise and pass on; see the model for the outputs."""
        return self.model(self.standardiser(inputs), valid)
