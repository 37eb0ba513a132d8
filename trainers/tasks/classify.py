"""Train a model on labels."""

from __future__ import annotations

from torch import nn

from trainers.batch import Batch, Output, TaskOutput
from trainers.losses.cross_entropy import cross_entropy
from trainers.params import Hard


class ClassifyTask(nn.Module):
    """A model and its cross entropy.

    Parameters
    ----------
    model
        Takes raw patches and masks, see `trainers.standardise.Standardised`.
    loss, label_smoothing
        See `trainers.losses.cross_entropy`.
    """

    def __init__(self, model: nn.Module, *, loss: Hard = "streams", label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.model = model
        self.loss: Hard = loss
        self.label_smoothing = label_smoothing

    def forward(self, batch: Batch) -> TaskOutput:
        """Return the model's outputs and the loss."""
        output: Output = self.model(batch["inputs"], batch["valid"])
        loss = cross_entropy(output, batch["labels"], self.loss, self.label_smoothing)
        return {**output, "loss": loss}
