"""mixup: Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.

A recording is shown with the next one of its batch in it, whose order is drawn. What is mixed is what models take, as
it is stored or augmented: a standardiser is affine and shares add up to one, so mixing before it is mixing behind it.
A teacher is shown the same mixture (Beyer et al., "Knowledge distillation: A good teacher is patient and consistent",
CVPR 2022).
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainers.data.batch import Inputs


def draw_shares(count: int, alpha: float, generator: torch.Generator) -> Tensor:
    """Draw how much of a mixture is the recording itself, (B,) 0.5 to 1: the larger part of Beta(alpha, alpha).

    One draw a recording, on the generator's device. The smaller part is the next recording's: the distribution is
    symmetric and the pairs are drawn, so that no mixture is lost, and a recording's label is that of its larger part.
    """
    shapes = torch.full((2, count), alpha, dtype=torch.float64, device=generator.device)
    parts = torch._standard_gamma(shapes, generator=generator).clamp(min=1e-300)  # small ones are 0 in rounding
    return (parts.amax(0) / parts.sum(0)).float()


def mix(given: Inputs, shares: Tensor) -> Inputs:
    """Mix recordings (B, ...) with the next ones of the batch, the last one with the first.

    A patch is valid where it is of either recording. Where it is of one alone, it is that one's, unmixed: there is
    nothing to mix it with.
    """
    masks = given["valid"]
    mixed = {}
    for name, values in given["inputs"].items():
        weights = shares if name not in masks else _of_valid(masks[name], shares)
        weights = weights.view(*weights.shape, *[1] * (values.ndim - weights.ndim))
        mixed[name] = torch.lerp(values.roll(-1, 0), values, weights.to(values.dtype))
    return {"inputs": mixed, "valid": {name: valid | valid.roll(-1, 0) for name, valid in masks.items()}}


def _of_valid(valid: Tensor, shares: Tensor) -> Tensor:
    """Share of the recording itself in each patch (B, P): all of it or none where one recording alone has the patch."""
    return torch.where(valid & valid.roll(-1, 0), shares.unsqueeze(-1), valid.float())
