"""The base of distillation losses with one soft loss: hard x hard loss + weight x soft loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.losses.params.weighted import WeightedParams


class DistillationLoss(nn.Module):
    """A hard loss and one soft loss, which a subclass computes; the widths are those of the models' embeddings."""

    params: WeightedParams

    def __init__(self, params: WeightedParams, student_width: int, teacher_width: int) -> None:
        super().__init__()
        self.params = params

    def soft_loss(self, student: ModelOutput, teacher: ModelOutput) -> Tensor:
        """Compare student and teacher, unweighted; runs outside autocast and gives the teacher no gradient."""
        raise NotImplementedError

    def forward(self, student: ModelOutput, teacher: ModelOutput, hard: Tensor) -> Tensor:
        """Weigh the hard loss, the cross entropy with the labels, and the soft loss."""
        with torch.autocast(hard.device.type, enabled=False):
            return self.params.hard * hard + self.params.weight * self.soft_loss(student, teacher)
