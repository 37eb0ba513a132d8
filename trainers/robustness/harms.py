"""Harms of a sensor, as functions of aligned series (N, L, C); what they draw comes from a generator on the CPU.

Patches and images are derived from a harmed series as from an augmented one, see `trainers.data.inputs`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trainers.data.augment import rotations
from trainers.data.time_warp import resample

PACKET = 5  # samples


def add_noise(series: Tensor, decibels: float, deviation: Tensor, generator: torch.Generator) -> Tensor:
    """Add white noise at a ratio of signal to noise.

    The signal's power is the channel's variance over the training recordings, `deviation` (C,) squared: a sensor's
    noise is the same whatever it measures, and an offset such as gravity is no signal.
    """
    return series + torch.randn(series.shape, generator=generator) * deviation * 10 ** (-decibels / 20)


def lose_packets(series: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Lose packets of five samples of all channels, and hold the last value that came.

    Of each recording's packets `share` (0..1) are lost, to the nearest whole number; others for each recording. Before
    the first packet that came, its first value stands.
    """
    count, length, _ = series.shape
    packets = -(-length // PACKET)
    order = torch.rand(count, packets, generator=generator).argsort(1).argsort(1)
    lost = (order < round(share * packets)).repeat_interleave(PACKET, dim=1)[:, :length]  # (N, L)
    at = torch.arange(length).expand(count, -1)
    last = at.masked_fill(lost, -1).cummax(1).values
    first = at.masked_fill(lost, length).amin(1, keepdim=True).clamp(max=length - 1)
    return series.gather(1, torch.where(last < 0, first, last).unsqueeze(-1).expand_as(series))


def saturate(series: Tensor, share: float, low: Tensor, high: Tensor) -> Tensor:
    """Clip each channel to a share (0..1) of its range, about the range's middle; `low` and `high` are (C,)."""
    middle, half = (low + high) / 2, share * (high - low) / 2
    return torch.minimum(torch.maximum(series, middle - half), middle + half)


def delay(series: Tensor, samples: Tensor) -> Tensor:
    """Let a clock be late by (N,) samples, fractions too: what was at t is at t + samples; the first value is held."""
    at = torch.arange(series.shape[1], dtype=torch.float32) - samples[:, None]
    return resample(series, at.clamp(0, series.shape[1] - 1))


def drift(series: Tensor, share: float) -> Tensor:
    """Let a clock be fast by a share: what was at t is at t x (1 + share), and the end is cut."""
    at = torch.arange(series.shape[1], dtype=torch.float32) / (1 + share)
    return resample(series, at.expand(len(series), -1))


def rotate(series: Tensor, degrees: float, axis: int | None, generator: torch.Generator) -> Tensor:
    """Turn every triad of channels (x, y, z) by an angle, about one random axis a recording.

    With `axis`, 0 to 2, about that one, to the left or to the right.
    """
    count = len(series)
    if axis is None:
        axes = torch.randn(count, 3, generator=generator)
    else:
        axes = torch.eye(3)[axis] * (2 * torch.randint(2, (count, 1), generator=generator) - 1)
    turns = rotations(axes, torch.full((count,), math.radians(degrees)))
    return torch.bmm(series.reshape(count, -1, 3), turns.transpose(1, 2)).view_as(series)
