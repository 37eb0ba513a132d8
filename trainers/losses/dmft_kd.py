"""DMFT's loss for the student (eq. 15): the labels, and the teacher's probabilities stream by stream."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.errors import TrainingError
from trainers.losses.params.dmft_kd import DMFTKDParams
from trainers.losses.selection import followed
from trainers.losses.soft_targets import soft_divergence


class DMFTKD(nn.Module):
    """Eq. 15: w_CS x hard loss + sum over modalities and streams of w x KL, by default times the number of streams.

    It looks at no embedding.
    """

    def __init__(self, params: DMFTKDParams, student_width: int, teacher_width: int) -> None:
        super().__init__()
        self.params = params

    def forward(self, student: ModelOutput, teacher: ModelOutput, hard: Tensor) -> Tensor:
        """Weigh the hard loss and the divergences; the models' streams may differ where `target` is ``fused``."""
        params = self.params
        weights, scale = stream_weights(params, student["streams"]), params.scale_by_temperature
        soft = []
        for name, logits in student["streams"].items():
            target = self._target(name, teacher)
            present = followed(params.select, teacher, student.get("present", {}).get(name))
            divergence = soft_divergence(logits, target, params.temperature, scale=scale, present=present)
            soft.append(weights[name] * divergence)
        terms = len(soft) if params.comparable else 1
        return params.w_cs * hard + terms * torch.stack(soft).sum()

    def _target(self, stream: str, teacher: ModelOutput) -> Tensor:
        if self.params.target == "fused":
            return teacher["logits"]
        if stream not in teacher["streams"]:
            raise TrainingError(
                f"loss: target: streams needs a teacher with the student's streams, but it has no {stream} "
                f"(it has {', '.join(teacher['streams']) or 'none'}); set target: fused"
            )
        return teacher["streams"][stream]


def stream_weights(params: DMFTKDParams, streams: Collection[str]) -> Mapping[str, float]:
    """Weights w of eq. 15 by stream; with w_CS they make 1.

    Raises
    ------
    TrainingError
        Where given weights name other streams, or do not add up to 1 - w_CS.
    """
    remaining = 1 - params.w_cs
    if params.weights is None:
        return {name: remaining / len(streams) for name in streams}
    if set(params.weights) != set(streams):
        raise TrainingError(
            f"loss: weights: there must be one for each of the student's streams ({', '.join(streams)}); "
            f"given: {', '.join(params.weights)}"
        )
    total = sum(params.weights.values())
    if abs(total - remaining) > 1e-6:
        raise TrainingError(
            f"loss: weights: they add up to {total:g}, but with w_cs {params.w_cs:g} must make 1 (eq. 15); "
            f"let them add up to {remaining:g}"
        )
    return params.weights
