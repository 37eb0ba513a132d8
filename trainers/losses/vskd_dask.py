"""DASK: Ni et al., "Cross-modal Knowledge Distillation for Vision-to-Sensor Action Recognition" (VSKD), 2022, eq. 9."""

from __future__ import annotations

from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.losses.distillation import DistillationLoss
from trainers.losses.params.soft_targets import HintonParams
from trainers.losses.params.vskd_dask import DASKParams
from trainers.losses.params.weighted import WeightedParams
from trainers.losses.rkd_angle import RKDAngle
from trainers.losses.rkd_distance import RKDDistance
from trainers.losses.semantic import Semantic
from trainers.losses.soft_targets import Hinton


class DASK(nn.Module):
    """Soft targets, distances, angles and embeddings of the teacher beside the hard loss."""

    def __init__(self, params: DASKParams, student_width: int, teacher_width: int) -> None:
        super().__init__()
        self.params = params
        soft_losses: list[tuple[type[DistillationLoss], WeightedParams]] = [
            (Hinton, HintonParams(hard=1.0, weight=params.alpha, temperature=params.temperature)),
            (RKDDistance, WeightedParams(weight=params.distance)),
            (RKDAngle, WeightedParams(weight=params.angle)),
            (Semantic, WeightedParams(weight=params.semantic)),
        ]
        # one of weight 0 is not even built: its projector would be saved, and pairwise losses cost memory
        self.parts = nn.ModuleList(
            build(each, student_width, teacher_width) for build, each in soft_losses if each.weight
        )

    def forward(self, student: ModelOutput, teacher: ModelOutput, hard: Tensor) -> Tensor:
        """Add each soft loss to the hard loss, the cross entropy with the labels."""
        total = hard
        for part in self.parts:
            total = part(student, teacher, total)
        return total
