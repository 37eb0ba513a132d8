"""Attention transfer: Zagoruyko and Komodakis, "Paying More Attention to Attention", ICLR 2017."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from trainers.data.batch import ModelOutput
from trainers.errors import TrainingError
from trainers.losses.distillation import DistillationLoss
from trainers.losses.numerics import as_float32, l2_normalise


class AttentionTransfer(DistillationLoss):
    """Let the student's feature maps be strong where the teacher's are.

    Maps are paired from the deepest backwards, as many as both models have.
    """

    def soft_loss(self, student: ModelOutput, teacher: ModelOutput) -> Tensor:
        """Sum over the pairs of the mean squared differences of their attention."""
        for model, output in (("student", student), ("teacher", teacher)):
            if not output["maps"]:
                raise TrainingError(
                    f"loss: attention compares feature maps, but the {model} has none; choose another {model} "
                    "or a loss on embeddings (rkd-distance, rkd-angle, semantic)"
                )
        pairs = zip(reversed(student["maps"]), reversed(teacher["maps"]), strict=False)
        return torch.stack([difference(as_float32(map_), as_float32(target.detach())) for map_, target in pairs]).sum()


def difference(student: Tensor, teacher: Tensor) -> Tensor:
    """Compare one pair of maps (B, C, H, W), averaged to the smaller H and the smaller W of the two."""
    size = (min(student.shape[2], teacher.shape[2]), min(student.shape[3], teacher.shape[3]))
    if size == (1, 1):
        raise TrainingError(
            f"loss: attention: the student's map of {_size(student)} and the teacher's of {_size(teacher)} share one "
            "position only, where the loss is always 0; choose a model with larger maps or a loss on embeddings "
            "(rkd-distance, rkd-angle, semantic)"
        )
    return F.mse_loss(attention(student, size), attention(teacher, size))


def attention(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Mean over channels of the squares of averaged maps, as vectors (B, H x W) of length one."""
    return l2_normalise(F.adaptive_avg_pool2d(maps, size).square().mean(1).flatten(1))


def _size(maps: Tensor) -> str:
    return " x ".join(map(str, maps.shape[2:]))
