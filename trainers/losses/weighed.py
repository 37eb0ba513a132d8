"""The shape of a distillation loss with one part: hard x hard loss + weight x part."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.losses.params import WeighedParams


class DistillationLoss(nn.Module):
    """A loss with one part, which a subclass computes.

    Parameters
    ----------
    student_width, teacher_width
        Of the models' embeddings.
    """

    params: WeighedParams

    def __init__(self, params: WeighedParams, student_width: int, teacher_width: int) -> None:
        super().__init__()
        self.params = params

    def part(self, student: ModelOutput, teacher: ModelOutput) -> Tensor:
        """Compare student and teacher, unweighted; runs outside autocast and gives the teacher no gradient."""
        raise NotImplementedError

    def forward(self, student: ModelOutput, teacher: ModelOutput, hard: Tensor) -> Tensor:
        """Weigh the hard loss, the cross entropy with the labels, and the part."""
        with torch.autocast(hard.device.type, enabled=False):
            return self.params.hard * hard + self.params.weight * self.part(student, teacher)
