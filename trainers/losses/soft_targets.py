"""Soft targets: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015 (VSKD eq. 2-3)."""

from __future__ import annotations

from torch import Tensor

from trainers.data.batch import ModelOutput
from trainers.losses.distillation import soft_divergence
from trainers.losses.params import HintonParams
from trainers.losses.weighed import DistillationLoss


class Hinton(DistillationLoss):
    """The divergence of the student's softened probabilities from the teacher's."""

    params: HintonParams

    def part(self, student: ModelOutput, teacher: ModelOutput) -> Tensor:
        """KL(teacher || student) of the votes, times the temperature squared."""
        temperature, scale = self.params.temperature, self.params.scale_by_temperature
        return soft_divergence(student["logits"], teacher["logits"], temperature, scale=scale)
