"""Smooth monotone warps of time, batched: where in a recording each sample of its copy is taken from."""

from __future__ import annotations

import torch
from torch import Tensor

KNOTS = 6


def warp_positions(log_speeds: Tensor, cuts: Tensor, samples: int) -> Tensor:
    """Place samples on a warped and cropped time axis.

    Parameters
    ----------
    log_speeds
        (B, K) log speed at knots spread evenly over a recording, linear in between.
    cuts
        (B, 2) share cut from the start and from the end.
    samples
        L, evenly spaced in the warped time.

    Returns
    -------
    Tensor
        (B, L) relative times, never falling, from ``cuts[:, 0]`` to ``1 - cuts[:, 1]``.
    """
    knots = log_speeds.shape[1]
    at = torch.linspace(0, knots - 1, samples, device=log_speeds.device)
    left = at.floor().clamp(max=knots - 2).long()
    speeds = torch.lerp(log_speeds[:, left], log_speeds[:, left + 1], at - left).exp()  # (B, L)
    passed = ((speeds[:, 1:] + speeds[:, :-1]) / 2).cumsum(1)  # trapezoids
    passed = torch.nn.functional.pad(passed / passed[:, -1:], (1, 0))
    start, end = cuts[:, :1], 1 - cuts[:, 1:]
    return start + (end - start) * passed


def resample(series: Tensor, positions: Tensor) -> Tensor:
    """Read series (B, L, C) at fractional sample positions (B, T) by linear interpolation: (B, T, C)."""
    rows, length, _ = series.shape
    left = positions.floor().clamp(0, max(length - 2, 0))
    share = (positions - left).unsqueeze(-1)
    index = (left.long() + torch.arange(rows, device=series.device)[:, None] * length).flatten()
    flat = series.flatten(0, 1)
    before = flat.index_select(0, index)
    after = flat.index_select(0, (index + 1).clamp(max=len(flat) - 1))
    return torch.lerp(before, after, share.flatten(0, 1)).view(rows, positions.shape[1], -1)
