"""COMODO's loss: Chen et al., "COMODO: Cross-Modal Video-to-IMU Distillation for Efficient Egocentric Human Activity
Recognition", 2025 (arXiv:2503.07259)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.losses.distillation import DistillationLoss
from trainers.losses.numerics import as_float32, l2_normalise
from trainers.losses.params.similarity_queue import SimilarityQueueParams


class SimilarityQueue(DistillationLoss):
    """Let a recording be like those of the batch and of batches before, to the student as it is to the teacher.

    Both models' embeddings are compared with the teacher's, of which the newest are kept: first in, first out. The
    student's goes through a linear layer where widths differ. The queue is a part of the training's state. It begins
    empty, and evaluation adds nothing to it.
    """

    params: SimilarityQueueParams
    queue: Tensor
    filled: Tensor

    def __init__(self, params: SimilarityQueueParams, student_width: int, teacher_width: int) -> None:
        super().__init__(params, student_width, teacher_width)
        same = student_width == teacher_width
        self.projector: nn.Module = nn.Identity() if same else nn.Linear(student_width, teacher_width)
        self.register_buffer("queue", torch.zeros(params.queue, teacher_width))  # the newest last
        self.register_buffer("filled", torch.zeros(params.queue, dtype=torch.bool))

    def soft_loss(self, student: ModelOutput, teacher: ModelOutput) -> Tensor:
        """KL(teacher || student) of the distributions over queue and batch, mean over the batch.

        The authors minimise the cross entropy, whose gradient is the same.
        """
        own = l2_normalise(self.projector(as_float32(student["embedding"])))
        told = l2_normalise(as_float32(teacher["embedding"].detach()))
        kept = torch.cat([self.queue, told])  # (Q + B, E)
        filled = torch.cat([self.filled, torch.ones_like(told[:, 0], dtype=torch.bool)])
        target = _log_shares(told, kept, filled, self.params.teacher_temperature)
        soft = _log_shares(own, kept, filled, self.params.student_temperature)
        if self.training:
            self.queue.copy_(kept[-self.params.queue :])
            self.filled.copy_(filled[-self.params.queue :])
        return (target.exp() * (target - soft)).sum() / len(own)


def _log_shares(vectors: Tensor, kept: Tensor, filled: Tensor, temperature: float) -> Tensor:
    """Log of the softmax (B, Q + B) of each vector's cosines with what is kept; next to nothing for an empty place."""
    cosines = vectors @ kept.mT / temperature
    nothing = torch.finfo(cosines.dtype).min / 4  # finite, since 0 x infinity is no number
    return torch.where(filled, cosines, nothing).log_softmax(-1)
