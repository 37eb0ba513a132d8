"""Angles between recordings: Park et al., "Relational Knowledge Distillation", CVPR 2019 (VSKD eq. 6-7)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from trainers.data.batch import ModelOutput
from trainers.losses.distillation import DistillationLoss
from trainers.losses.numerics import as_float32, l2_normalise

VALUES = 2**22  # in one tensor of a chunk, 16 MiB in fp32; about a dozen of them live at once


class RKDAngle(DistillationLoss):
    """Let triplets of recordings span the same angles for the student as for the teacher."""

    def soft_loss(self, student: ModelOutput, teacher: ModelOutput) -> Tensor:
        """Huber loss (delta 1) of the angles' cosines, mean over all B^3 triplets as in the authors' code."""
        return angle_difference(as_float32(student["embedding"]), as_float32(teacher["embedding"].detach()))


def angle_difference(student: Tensor, teacher: Tensor, values: int = VALUES) -> Tensor:
    """Mean Huber loss of the cosines of embeddings (B, E), some vertices at a time.

    Memory grows with B x max(B, E) and not with its B-fold: the student's gradient is computed along with the
    loss, so that no chunk is kept for later. A tensor has at most so many `values`, where one vertex takes no more.
    """
    total, _ = _Chunks.apply(student, teacher, values)
    mean: Tensor = total / len(student) ** 3
    return mean


class _Chunks(torch.autograd.Function):
    """Sum over all vertices, by chunks of them, and the student's gradient."""

    @staticmethod
    def forward(student: Tensor, teacher: Tensor, values: int) -> tuple[Tensor, Tensor]:
        batch = len(student)
        count = max(1, values // (batch * max(batch, student.shape[1], teacher.shape[1])))
        total, gradient = student.new_zeros(()), torch.zeros_like(student)
        for start in range(0, batch, count):
            leaf = student.detach().requires_grad_()
            with torch.set_grad_enabled(student.requires_grad):
                vertices = slice(start, start + count)
                chunk = F.huber_loss(cosines(leaf, vertices), cosines(teacher, vertices), reduction="sum")
            if student.requires_grad:
                gradient += torch.autograd.grad(chunk, leaf)[0]
            total += chunk.detach()
        return total, gradient

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(output[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor, _: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return upstream * gradient, None, None

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int, int, None], student: Tensor, teacher: Tensor, values: int
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        """Models one by one: memory stays that of one."""
        pairs = zip(student.unbind(in_dims[0]), teacher.unbind(in_dims[1]), strict=True)
        totals, gradients = zip(*[_Chunks.apply(*pair, values) for pair in pairs], strict=True)
        return (torch.stack(totals), torch.stack(gradients)), (0, 0)


def cosines(embedding: Tensor, vertices: slice) -> Tensor:
    """Of the angles from each recording over some vertices to each other recording: (vertices, B, B).

    0 where a recording coincides with the vertex.
    """
    directions = l2_normalise(embedding - embedding[vertices, None])  # (vertices, B, E)
    return directions @ directions.mT
