"""What a virtual sensor cannot know of the real one: how it is turned on its bone, and its noise."""

from __future__ import annotations

import torch
from torch import Tensor

from trainers.data.device import row_chunks

REST_SHARE = 0.05  # of a recording is the stretch that is looked at for noise: the quietest one


def fit_mounting(virtual: Tensor, real: Tensor) -> Tensor:
    """Return the rotation (3, 3) that brings virtual vectors nearest to real ones (Kabsch, 1976).

    It is one for all recordings, and for all triads of channels, each of which counts by its own size.

    Parameters
    ----------
    virtual, real
        (N, L, C) series of the same recordings, C being a multiple of 3.
    """
    triads = real.shape[2] // 3
    products = torch.zeros(triads, 3, 3, dtype=torch.float64)
    sizes = torch.zeros(2, triads, dtype=torch.float64)
    for rows in row_chunks(len(real), real[0].numel()):
        pair = [each[rows].double().cpu().flatten(0, 1).view(-1, triads, 3) for each in (virtual, real)]
        products += torch.einsum("nki,nkj->kij", *pair)
        sizes += torch.stack([each.square().sum((0, 2)) for each in pair])
    weights = 1 / sizes.prod(0).sqrt().clamp(min=1e-12)
    left, _, right = torch.linalg.svd((products * weights[:, None, None]).sum(0))
    mirrored = torch.linalg.det(left @ right)
    turn: Tensor = left @ torch.diag(torch.tensor([1.0, 1.0, float(mirrored.sign())], dtype=torch.float64)) @ right
    return turn.T.float()


def rest_noise(real: Tensor) -> Tensor:
    """Return the deviation (C,) of each channel where recordings (N, L, C) are quietest, their median."""
    samples = min(real.shape[1], max(2, round(REST_SHARE * real.shape[1])))
    found = []
    for rows in row_chunks(len(real), real[0].numel() * samples):
        windows = real[rows].float().cpu().unfold(1, samples, 1)  # (n, windows, C, samples)
        found.append(windows.std(-1, correction=0).amin(1))
    return torch.cat(found).median(0).values
