"""The semantic loss: Ni et al., "Cross-modal Knowledge Distillation for Vision-to-Sensor Action Recognition" (VSKD),
2022, eq. 8."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.losses.distillation import DistillationLoss
from trainers.losses.numerics import as_float32
from trainers.losses.params.weighted import WeightedParams


class Semantic(DistillationLoss):
    """Let the student's embedding be the teacher's.

    Where their widths differ, the student's goes through a linear layer that is trained with it.
    """

    def __init__(self, params: WeightedParams, student_width: int, teacher_width: int) -> None:
        super().__init__(params, student_width, teacher_width)
        same = student_width == teacher_width
        self.projector: nn.Module = nn.Identity() if same else nn.Linear(student_width, teacher_width)

    def soft_loss(self, student: ModelOutput, teacher: ModelOutput) -> Tensor:
        """Mean squared error over recordings and features."""
        return F.mse_loss(self.projector(as_float32(student["embedding"])), as_float32(teacher["embedding"].detach()))
