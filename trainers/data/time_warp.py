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


def choose_patches(features: Tensor, valid: Tensor, positions: Tensor) -> Tensor:
    """Take each of a recording's patches (B, P, D) from the one nearest to its place in the warped time.

    Parameters
    ----------
    valid
        (B, P): time runs over a recording's valid patches; others stay where they are.
    positions
        (B, P): relative times in the recording, for P evenly spaced ones in its copy.
    """
    last = (valid.sum(1, keepdim=True) - 1).clamp(min=0)
    rank = (valid.long().cumsum(1) - 1).clamp(min=0)  # of a valid patch among those
    at = rank / last.clamp(min=1) * (features.shape[1] - 1)
    left = at.floor().clamp(max=max(features.shape[1] - 2, 0)).long()
    right = (left + 1).clamp(max=features.shape[1] - 1)
    time = torch.lerp(positions.gather(1, left), positions.gather(1, right), at - left)
    nearest = (time * last).round().long().clamp(min=0)
    place = torch.argsort((~valid).long(), dim=1, stable=True)  # of the valid patches, in order
    own = torch.arange(features.shape[1], device=features.device).expand_as(valid)
    chosen = torch.where(valid, place.gather(1, nearest), own)
    return torch.gather(features, 1, chosen.unsqueeze(-1).expand_as(features))
