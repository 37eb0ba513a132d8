"""From an aligned timeline to patches: bones, velocities, windows, reduction; for encoding and training alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

Reduce = Literal["mean", "mean-std", "flatten"]
Reduction = Callable[[Tensor], Tensor]  # windows (N, P, window, C) to patches (N, P, D)


def derive_bones(timeline: Tensor, parents: Sequence[int]) -> Tensor:
    """Append the vector to each joint from its parent (2s-AGCN, 2019): (N, L, 3J) to (N, L, 3J + 3B), B bones.

    Parameters
    ----------
    timeline
        (N, L, 3J) x, y and z of one joint after the other.
    parents
        (J,) the number of each joint's parent. A joint that is its own hangs on none, and has no bone.
    """
    # J of (N, L, 3), by no indices, which a step that is recorded on a GPU could not copy there
    joints = torch.split(timeline, 3, dim=-1)
    ends = [joint for joint, parent in enumerate(parents) if parent != joint]
    bones = torch.cat([joints[end] for end in ends], dim=-1) - torch.cat([joints[parents[end]] for end in ends], dim=-1)
    return torch.cat([timeline, bones], dim=-1)


def derive_velocities(timeline: Tensor) -> Tensor:
    """Append each channel's change since the sample before (zero at the first): (N, L, C) to (N, L, 2C)."""
    velocities = torch.zeros_like(timeline)
    torch.sub(timeline[:, 1:], timeline[:, :-1], out=velocities[:, 1:])
    return torch.cat([timeline, velocities], dim=-1)


def patches(timeline: Tensor, starts: Tensor, window: int, reduce: Reduce | Reduction) -> Tensor:
    """Cut windows and reduce each to one vector (DMFT 3.1): (N, P, D) with D = C, 2C or window x C, or a function's.

    Parameters
    ----------
    timeline
        (N, L, C) samples.
    starts
        (P,) int64, the first sample of each window; ``starts + window <= L``.
    reduce
        ``mean``; ``mean-std``: all means, then all standard deviations (ddof 0); ``flatten``: the window's
        samples one after the other; or a function of the windows.
    """
    samples = (starts[:, None] + torch.arange(window, device=starts.device)).flatten()  # (P * window,)
    windows = timeline.index_select(1, samples).view(timeline.shape[0], len(starts), window, -1)
    if callable(reduce):
        return reduce(windows)
    if reduce == "flatten":
        return windows.flatten(2)
    if reduce == "mean":
        return windows.mean(2)
    deviation, mean = torch.std_mean(windows, dim=2, correction=0)
    return torch.cat([mean, deviation], dim=-1)
