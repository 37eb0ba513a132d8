"""Soft targets: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015 (VSKD eq. 2-3, DMFT eq. 13-14).

With `standardise`, of z-scores: Sun et al., "Logit Standardization in Knowledge Distillation", CVPR 2024.
"""

from __future__ import annotations

from torch import Tensor

from trainers.data.batch import ModelOutput
from trainers.losses.distillation import DistillationLoss
from trainers.losses.numerics import as_float32
from trainers.losses.params.soft_targets import HintonParams
from trainers.losses.selection import followed
from trainers.losses.z_scores import z_scores


class Hinton(DistillationLoss):
    """The divergence of the student's softened probabilities from the teacher's."""

    params: HintonParams

    def soft_loss(self, student: ModelOutput, teacher: ModelOutput) -> Tensor:
        """KL(teacher || student) of the votes, times the temperature squared."""
        params, own, told = self.params, student["logits"], teacher["logits"]
        if params.standardise:
            own, told = z_scores(as_float32(own)), z_scores(as_float32(told))
        among = followed(params.select, teacher)
        return soft_divergence(own, told, params.temperature, scale=params.scale_by_temperature, present=among)


def soft_divergence(
    student: Tensor, teacher: Tensor, temperature: float, *, scale: bool = True, present: Tensor | None = None
) -> Tensor:
    """KL(teacher || student) of softened probabilities, mean over the batch.

    Of logits (B, K); the teacher's get no gradient. `scale` multiplies by the temperature squared. Recordings of which
    `present` (B,) is False add nothing. Eq. 13 misplaces the temperature and eq. 14 swaps the sides; this is the usual
    form, softmax(h / T).
    """
    soft = (as_float32(student) / temperature).log_softmax(-1)
    target = (as_float32(teacher.detach()) / temperature).log_softmax(-1)
    # as torch.nn.functional.kl_div, which torch.vmap would compute model by model
    terms = target.exp() * (target - soft)
    divergence = (terms if present is None else terms * present.unsqueeze(-1)).sum() / len(soft)
    return divergence * temperature**2 if scale else divergence
