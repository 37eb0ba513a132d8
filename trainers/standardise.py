"""Standardisation: fitted on the training recordings, kept with the model, applied in front of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from trainers.modality import ModalityData, feature_groups
from trainers.params import Mode, StandardiseParams

SMALLEST = 1e-6  # a deviation below it is that of a constant feature, which is only centred


class Standardiser(nn.Module):
    """Shift and scale of every feature of every modality: buffers (D,), so that they travel with a model."""

    def __init__(self, widths: Mapping[str, int]) -> None:
        super().__init__()
        self.names = tuple(widths)
        for name, width in widths.items():
            self.register_buffer(f"{name}/mean", torch.zeros(width))
            self.register_buffer(f"{name}/scale", torch.ones(width))

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Standardise raw patches (B, P, D) of this standardiser's own modalities; others are left out."""
        buffers = self._buffers
        return {
            name: (inputs[name] - _tensor(buffers[f"{name}/mean"])) * _tensor(buffers[f"{name}/scale"])
            for name in self.names
        }


def fit_standardiser(training: Iterable[ModalityData], params: StandardiseParams) -> Standardiser:
    """Fit shift and scale on the valid patches of training recordings.

    Parameters
    ----------
    training
        The modalities, training rows only.
    params
        The mode for each kind of modality.
    """
    modalities = list(training)
    standardiser = Standardiser({data.name: data.shape[1] for data in modalities})
    for data in modalities:
        mean, deviation = _moments(data, getattr(params, data.kind))
        standardiser._buffers[f"{data.name}/mean"] = mean.float()
        standardiser._buffers[f"{data.name}/scale"] = (1 / deviation).float()
    return standardiser


def _moments(data: ModalityData, mode: Mode) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each feature, (D,) float64."""
    width = data.shape[1]
    mean, deviation = torch.zeros(width, dtype=torch.float64), torch.ones(width, dtype=torch.float64)
    values = data.features[data.valid].double().cpu()  # (valid patches, D)
    if mode == "none" or not len(values):
        return mean, deviation
    groups = feature_groups(data) if mode == "global" else torch.arange(width)
    for group in torch.unique(groups):
        members = groups == group
        part = values[:, members]
        mean[members] = part.mean()
        deviation[members] = part.std(correction=0)
    return mean, torch.where(deviation < SMALLEST, 1.0, deviation)


class Standardised(nn.Module):
    """A model behind its own standardiser: takes raw patches, of more modalities than it uses if need be."""

    def __init__(self, model: nn.Module, standardiser: Standardiser) -> None:
        super().__init__()
        self.model = model
        self.standardiser = standardiser

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> Any:
        """Standardise and pass on; see the model for the outputs."""
        return self.model(self.standardiser(inputs), valid)


def _tensor(buffer: Tensor | None) -> Tensor:
    assert buffer is not None
    return buffer
