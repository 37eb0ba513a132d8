"""Train a student on labels and on a frozen teacher of any kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from trainers.data.batch import Batch, ModelOutput, TaskOutput
from trainers.fit.output_checks import checked_loss, checked_output
from trainers.losses.cross_entropy import cross_entropy
from trainers.params import HardLoss


class CombinedLoss(Protocol):
    """Adds the hard loss and what sets student and teacher apart; most are `trainers.losses.distillation`'s."""

    def __call__(self, student: ModelOutput, teacher: ModelOutput, hard: Tensor) -> Tensor: ...


class DistilTask(nn.Module):
    """A student, its teacher and the loss between them.

    The teacher sees the same (augmented) recordings through its own standardiser, possibly in other
    modalities. It is in evaluation mode without gradient, follows the task to a device, and is no part of its
    state or parameters.

    Parameters
    ----------
    student, teacher
        Take raw patches and masks and give `trainers.data.batch.ModelOutput`.
    distillation
        For instance `trainers.losses.dmft_kd.DMFTKD`.
    loss, label_smoothing
        The hard loss, see `trainers.losses.cross_entropy`.
    classes
        K, which the outputs of both are held against; None: any.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher: nn.Module,
        distillation: CombinedLoss,
        *,
        loss: HardLoss = "streams",
        label_smoothing: float = 0.0,
        classes: int | None = None,
    ) -> None:
        super().__init__()
        self.model = student
        self.distillation = distillation
        self.loss: HardLoss = loss
        self.label_smoothing = label_smoothing
        self.classes = classes
        self._hidden_teacher = (teacher.eval(),)  # in a tuple: not registered, so neither saved nor trained

    @property
    def teacher(self) -> nn.Module:
        """The teacher."""
        return self._hidden_teacher[0]

    def forward(self, batch: Batch) -> TaskOutput:
        """Return the student's outputs and the loss."""
        rows = len(batch["labels"])
        output = checked_output(self.model, self.model(batch["inputs"], batch["valid"]), rows, self.classes)
        with torch.no_grad():
            target = checked_output(self.teacher, self.teacher(batch["inputs"], batch["valid"]), rows, self.classes)
        hard = cross_entropy(output, batch["labels"], self.loss, self.label_smoothing)
        return {**output, "loss": checked_loss(self.distillation, self.distillation(output, target, hard))}

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> DistilTask:
        modules: list[Any] = [self.teacher, super()]
        for module in modules:
            module._apply(fn, recurse)
        return self
