"""Augmentation of aligned series, before pooling or rendering: batched, on their device, from one seeded generator."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor

from trainers.data.device import RunningMoments, row_chunks, take_rows
from trainers.data.inputs import Input
from trainers.data.time_warp import KNOTS, choose_patches, resample, warp_positions
from trainers.params import AugmentParams


class Augmenter:
    """Draws augmented copies of one modality's series; holds each channel's deviation, which jitter is measured in.

    Any input of the modality will do: all have the same series.
    """

    def __init__(self, data: Input, params: AugmentParams) -> None:
        self.data = data
        self.params = params
        moments, device = RunningMoments(), data.valid.device
        row_size = math.prod(data.shape if data.series is None else data.series.shape[1:])
        for rows in row_chunks(len(data), row_size):
            moments.add(self._stored(rows.to(device)).flatten(0, 1))
        self.deviation = moments.deviation  # (C,) or, without series, (D,)

    def on(self, data: Input) -> Augmenter:
        """Return the same for the same recordings on another device."""
        other = copy.copy(self)
        other.data = data
        other.deviation = self.deviation.to(data.valid.device)
        return other

    def series(self, rows: Tensor, time: tuple[Tensor, Tensor], generator: torch.Generator) -> Tensor:
        """Return augmented series (B, L, C) of recordings `rows` (B,); the generator is on their device.

        `time` is what `draw_time` drew, shared by the modalities of a batch so that they stay aligned.
        """
        series, params = self._stored(rows), self.params
        if params.time_warp or params.crop:
            length = series.shape[1]
            series = resample(series, warp_positions(*time, length) * (length - 1))
        series = self._rotate_and_scale(series, generator)
        return self._add_offset(self._add_jitter(series, params.jitter, generator), generator)

    def features(self, rows: Tensor, time: tuple[Tensor, Tensor], generator: torch.Generator) -> Tensor:
        """Return features (B, P, D) of a modality without series: in the warped time if asked for, and with noise."""
        features, params = self._stored(rows), self.params
        if params.feature_warp and (params.time_warp or params.crop):
            features = choose_patches(features, self.data.valid[rows], warp_positions(*time, features.shape[1]))
        return self._add_jitter(features, params.feature_jitter, generator)

    def _stored(self, rows: Tensor) -> Tensor:
        """Return series, or features where there are none."""
        return self.data.take(rows) if self.data.series is None else take_rows(self.data.series, rows).float()

    def _rotate_and_scale(self, series: Tensor, generator: torch.Generator) -> Tensor:
        """Rotate and scale; one draw a recording. Series whose channels are no triads are only scaled."""
        data, params = self.data, self.params
        count, device = len(series), series.device
        factor = 1 + params.scale * torch.randn(count, 1, 1, device=device, generator=generator)
        skeleton = data.kind == "skeleton"
        degrees = params.skeleton_rotation if skeleton else params.inertial_rotation
        fixed = skeleton and data.vertical_axis is None
        if not degrees or fixed or series.shape[-1] % 3:
            return series * factor if params.scale else series
        if skeleton:
            axes = torch.eye(3, device=device)[data.vertical_axis].expand(count, 3)
        else:
            axes = torch.randn(count, 3, device=device, generator=generator)
        angles = math.radians(degrees) * torch.randn(count, device=device, generator=generator)
        turns = rotations(axes, angles) * factor
        vectors = series.view(count, -1, 3)  # (B, L * C / 3, 3)
        return torch.bmm(vectors, turns.transpose(1, 2)).view_as(series)

    def _add_jitter(self, values: Tensor, share: float, generator: torch.Generator) -> Tensor:
        if not share:
            return values
        noise = torch.randn(values.shape, device=values.device, generator=generator)
        return torch.addcmul(values, noise, self.deviation, value=share)

    def _add_offset(self, series: Tensor, generator: torch.Generator) -> Tensor:
        """Add a constant to each channel of each recording (B, L, C); joints of a skeleton stay."""
        if not self.params.offset or self.data.kind != "series":
            return series
        constants = torch.randn(len(series), 1, series.shape[2], device=series.device, generator=generator)
        return series + self.params.offset * constants


def draw_time(
    count: int, params: AugmentParams, device: torch.device, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw a batch's warps: log speeds (B, K) and cuts (B, 2), see `trainers.data.time_warp.warp_positions`."""
    speeds = params.time_warp * torch.randn(count, KNOTS, device=device, generator=generator)
    return speeds, params.crop * torch.rand(count, 2, device=device, generator=generator)


def rotations(axes: Tensor, angles: Tensor) -> Tensor:
    """Rotation matrices (B, 3, 3) about axes (B, 3) by angles (B,) in radians (Rodrigues' formula)."""
    x, y, z = torch.nn.functional.normalize(axes, dim=1).unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).view(-1, 3, 3)
    sine, versine = angles.sin()[:, None, None], 1 - angles.cos()[:, None, None]
    return torch.eye(3, device=axes.device) + sine * cross + versine * (cross @ cross)
