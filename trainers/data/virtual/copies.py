"""Recordings as a virtual sensor measured them: drawn in training in place of some of the real ones."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from trainers.data.augment import Augmenter
from trainers.data.device import indexed_device, take_rows, to_device_if_fits
from trainers.data.inputs import Input, SeriesInput
from trainers.data.virtual.mounting import fit_mounting, rest_noise
from trainers.errors import TrainingError
from trainers.params import AugmentParams


@dataclass(frozen=True)
class VirtualSeries:
    """A virtual sensor's series of N recordings, (N, L, C), and which of them it has, (N,) bool."""

    series: Tensor
    there: Tensor


class VirtualCopies:
    """Draws which recordings of a batch are virtual, and augmented copies of these, as the real sensor would have them.

    Mounting and noise are the training recordings': what this is made of holds no others.

    Parameters
    ----------
    real
        Any input of the modality.
    virtual
        Of the same recordings.

    Raises
    ------
    TrainingError
        The series are not alike, or no recording has a virtual one.
    """

    def __init__(self, real: Input, virtual: VirtualSeries, params: AugmentParams) -> None:
        if real.series is None or virtual.series.shape != real.series.shape or real.series.shape[2] % 3:
            shapes = tuple(virtual.series.shape), None if real.series is None else tuple(real.series.shape)
            problem = f"modality {real.modality}: virtual series {shapes[0]}, and real ones {shapes[1]}"
            raise TrainingError(f"{problem}; encode them again")
        rows = torch.nonzero(virtual.there).flatten()
        if not len(rows):
            problem = f"modality {real.modality}: no training recording has a virtual series"
            raise TrainingError(f"{problem}; set augment.virtual: 0, or place the sensor elsewhere")
        series = virtual.series
        if params.virtual_mounting == "fitted":
            turn = fit_mounting(series[rows], real.series[rows])
            series = (series.float().view(*series.shape[:2], -1, 3) @ turn.T).view(series.shape).to(series.dtype)
        kept = torch.ones(len(series), 1, dtype=torch.bool)
        self._params = params
        self._noise, self._there = rest_noise(real.series[rows]), virtual.there
        self._augmenter = Augmenter(SeriesInput(real.modality, series=series, valid=kept, kind=real.kind), params)

    def to(self, device: torch.device | str) -> VirtualCopies:
        """Return the same on a device."""
        moved, device = copy.copy(self), indexed_device(device)
        data = self._augmenter.data
        assert isinstance(data, SeriesInput)
        moved._augmenter = self._augmenter.on(data.to(device))
        moved._noise, moved._there = self._noise.to(device), to_device_if_fits(self._there, device)
        return moved

    def draw(self, rows: Tensor, time: tuple[Tensor, Tensor], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return which of recordings `rows` (B,) are virtual, (B,) bool, and virtual copies (B, L, C) of all."""
        shares = torch.rand(len(rows), device=rows.device, generator=generator)
        chosen = (shares < self._params.virtual) & take_rows(self._there, rows)
        series = self._augmenter.series(rows, time, generator)
        if self._params.virtual_mounting == "random":
            series = _turned_at_random(series, generator)
        noise = torch.randn(series.shape, device=series.device, generator=generator)
        return chosen, torch.addcmul(series, noise, self._noise)


def _turned_at_random(series: Tensor, generator: torch.Generator) -> Tensor:
    """Turn each recording (B, L, C) in a way of its own, all ways being as likely: by quaternions of normal numbers."""
    drawn = torch.randn(len(series), 4, device=series.device, generator=generator)
    w, x, y, z = torch.nn.functional.normalize(drawn, dim=1).unbind(1)
    turns = torch.stack(
        [
            1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
        ],
        dim=1,
    ).view(-1, 3, 3)  # fmt: skip
    return torch.bmm(series.reshape(len(series), -1, 3), turns.transpose(1, 2)).view_as(series)
