"""Similarity preserving: Tung and Mori, "Similarity-Preserving Knowledge Distillation", ICCV 2019."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from trainers.data.batch import ModelOutput
from trainers.losses.distillation import DistillationLoss
from trainers.losses.numerics import as_float32, l2_normalise


class SimilarityPreserving(DistillationLoss):
    """Let recordings be alike to the student where they are to the teacher.

    Of each model the deepest feature map is compared, as in the paper; of a model without maps its embedding.
    """

    def soft_loss(self, student: ModelOutput, teacher: ModelOutput) -> Tensor:
        """Squared Frobenius norm of the difference of both similarity matrices, divided by B^2."""
        return F.mse_loss(similarity(activations(student)), similarity(activations(teacher).detach()))


def activations(output: ModelOutput) -> Tensor:
    """The deepest map (B, C x H x W), or without maps the embedding (B, E)."""
    return as_float32((output["maps"] or (output["embedding"],))[-1].flatten(1))


def similarity(activations: Tensor) -> Tensor:
    """Inner products of all pairs (B, B), each row of length one."""
    return l2_normalise(activations @ activations.T)
