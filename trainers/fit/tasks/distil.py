"""Train a student on labels and on a frozen teacher of any kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from trainers.data.batch import Batch, ModelOutput, TaskOutput
from trainers.fit.output_checks import checked_loss
from trainers.fit.tasks.classify import ClassifyTask
from trainers.losses.selection import with_agreement
from trainers.params import HardLoss


class CombinedLoss(Protocol):
    """Adds the hard loss and what sets student and teacher apart; most are `trainers.losses.distillation`'s."""

    def __call__(self, student: ModelOutput, teacher: ModelOutput, hard: Tensor) -> Tensor: ...


class DistilTask(ClassifyTask):
    """A student, its teacher and the loss between them.

    The teacher sees the same (augmented) recordings through its own standardiser, possibly in other modalities, of
    which none is absent for it; with a wrong pairing it sees others, see `trainers.data.pairing`. It is in evaluation
    mode without gradient, follows the task to a device, and is no part of its state or parameters.

    Parameters
    ----------
    student, teacher
        Take raw patches and masks and give `trainers.data.batch.ModelOutput`.
    distillation
        For instance `trainers.losses.dmft_kd.DMFTKD`.
    loss, label_smoothing, classes, class_weights
        The hard loss, K, and the weights of the hard loss alone, as in `ClassifyTask`.
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
        class_weights: Tensor | None = None,
    ) -> None:
        super().__init__(
            student, loss=loss, label_smoothing=label_smoothing, classes=classes, class_weights=class_weights
        )
        self.distillation = distillation
        self._hidden_teacher = (teacher.eval(),)  # in a tuple: not registered, so neither saved nor trained

    @property
    def teacher(self) -> nn.Module:
        """The teacher."""
        return self._hidden_teacher[0]

    def forward(self, batch: Batch) -> TaskOutput:
        """Return the student's outputs and the loss."""
        output = self._trained_outputs(batch)
        with torch.no_grad():
            target = self._outputs(self.teacher, {**batch, **batch["teacher"]} if "teacher" in batch else batch)
        told = with_agreement(target, batch["labels"])
        loss = self.distillation(output, told, self._hard_loss(output, batch))
        return {**output, "loss": checked_loss(self.distillation, loss)}

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> DistilTask:
        modules: list[Any] = [self.teacher, super()]
        for module in modules:
            module._apply(fn, recurse)
        return self
