"""Similarity preserving: Tung and Mori, "Similarity-Preserving Knowledge Distillation", ICCV 2019."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from trainers.batch import Output
from trainers.losses.params import SimilarityParams
from trainers.losses.precision import full
from trainers.losses.unit import unit
from trainers.losses.weighed import WeighedLoss


class SimilarityPreserving(WeighedLoss):
    """Let recordings be alike to the student where they are to the teacher.

    Of each model the deepest feature map is compared, as in the paper; of a model without maps its embedding.
    """

    params: SimilarityParams

    def part(self, student: Output, teacher: Output) -> Tensor:
        """Squared Frobenius norm of the difference of both similarity matrices, divided by B^2."""
        return F.mse_loss(similarity(activations(student)), similarity(activations(teacher).detach()))


def activations(output: Output) -> Tensor:
    """The deepest map (B, C x H x W), or without maps the embedding (B, E)."""
    return full((output["maps"] or (output["embedding"],))[-1].flatten(1))


def similarity(activations: Tensor) -> Tensor:
    """Inner products of all pairs (B, B), each row of length one."""
    return unit(activations @ activations.T)
