"""Gramian angular fields with torch, on any device; `trainers.gaf.fused` fills stored images faster on a CPU."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from trainers.gaf.params import GafParams
from trainers.gaf.taps import CONSTANT, taps


def render(series: Tensor, params: GafParams) -> Tensor:
    """Draw every channel of every series as an image in -1..1.

    With the angle phi = arccos(x) of each of S points x, the summation field is cos(phi_i + phi_j) and the
    difference field sin(phi_i - phi_j), as in pyts's ``GramianAngularField`` without overlap. A constant series
    gives 1 and 0. Beyond pyts: more points than samples are interpolated, and ``fixed`` scaling.

    Images of series (B, L, C), finite, float32 or float64, are (B, fields x C, S, S), of the series' type and on their
    device. ValueError where `params.range` does not fit the channels.
    """
    cos, sin = angles(series, params)
    images = []
    for field in params.fields:
        first, second = (cos, sin) if field == "summation" else (sin, cos)
        # not a matrix product of rank 2, which TF32 or autocast would round to three digits
        image = first[..., :, None] * cos[..., None, :]
        images.append(image.addcmul_(second[..., :, None], sin[..., None, :], value=-1.0))
    return torch.cat(images, 1) if len(images) > 1 else images[0]


def angles(series: Tensor, params: GafParams) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of the S points' angles, (B, C, S) each, of series (B, L, C)."""
    ranges = params.ranges(series.shape[2])
    # Less its first value a constant series is zeros, whose means are zeros: means of the values themselves, rounded,
    # would differ from point to point, and seem to be a signal. Ranges are of the values themselves.
    origin = series[:, :1] if ranges is None else torch.zeros_like(series[:, :1])
    index, weight = _taps(series.shape[1], params.size, series.dtype, series.device)
    values = series[:, index] - origin[:, None]  # (B, W, S, C): W samples make up a point
    points = (values * weight[..., None]).sum(1).transpose(1, 2)  # (B, C, S)
    if ranges is not None:
        cos = (points / _column(ranges, points.dtype, points.device)).clamp(-1.0, 1.0)
        return cos, torch.sqrt((1.0 - cos) * (1.0 + cos))
    low, high = points.amin(2, keepdim=True), points.amax(2, keepdim=True)
    constant = high - low < CONSTANT
    span = torch.where(constant, 1.0, high - low)
    up, down = (points - low) / span, (high - points) / span
    # 1 - x^2 is 4 up down; of x itself it would lose half its digits near 1
    return torch.where(constant, -1.0, up - down), torch.where(constant, 0.0, 2.0 * torch.sqrt(up * down))


@lru_cache(maxsize=16)
def _taps(length: int, size: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return `taps`, index and weight of the W samples that make up each of S points, (W, S) each, on a device.

    They stay there: else every batch on a GPU would wait for a copy.
    """
    index, weight = taps(length, size)
    with torch.inference_mode(False):
        return torch.tensor(index, device=device), torch.tensor(weight).to(device, dtype)


@lru_cache(maxsize=16)
def _column(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return values (n, 1) on a device, where they stay."""
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=dtype, device=device)[:, None]
