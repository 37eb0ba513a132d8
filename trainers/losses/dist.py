"""DIST: Huang et al., "Knowledge Distillation from A Stronger Teacher", NeurIPS 2022."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.losses.numerics import as_float32
from trainers.losses.params.dist import DISTParams
from trainers.losses.selection import followed
from trainers.losses.z_scores import correlations, mean


class DIST(nn.Module):
    """Let the student's probabilities correlate with the teacher's: of a recording, and of a class.

    A stronger teacher is surer than its student can be; a correlation leaves scale and shift to each. It looks at no
    embedding.
    """

    def __init__(self, params: DISTParams, student_width: int, teacher_width: int) -> None:
        super().__init__()
        self.params = params

    def forward(self, student: ModelOutput, teacher: ModelOutput, hard: Tensor) -> Tensor:
        """Weigh the hard loss and 1 - r of the votes' softened probabilities: over classes, and over the batch."""
        params, among = self.params, followed(self.params.select, teacher)
        with torch.autocast(hard.device.type, enabled=False):
            own, told = (
                (as_float32(logits) / params.temperature).softmax(-1)  # (B, K)
                for logits in (student["logits"], teacher["logits"].detach())
            )
            between = 1 - correlations(own, told)  # (B,)
            within = 1 - correlations(own.mT, told.mT, among).mean()
            share = 1.0 if among is None else among.float().mean()  # of the batch, so that one left out adds nothing
            relations = params.beta * share * mean(between, among).squeeze(-1) + params.gamma * share * within
            return params.hard * hard + params.temperature**2 * relations
