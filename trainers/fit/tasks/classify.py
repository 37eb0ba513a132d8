"""Train a model on labels."""

from __future__ import annotations

from torch import Tensor, nn

from trainers.data.batch import Batch, ModelOutput, TaskOutput
from trainers.fit.output_checks import checked_output
from trainers.losses.cross_entropy import cross_entropy
from trainers.params import HardLoss


class ClassifyTask(nn.Module):
    """A model and its cross entropy.

    Parameters
    ----------
    model
        Takes raw patches and masks, see `trainers.data.standardise.Standardised`.
    loss, label_smoothing
        See `trainers.losses.cross_entropy`.
    classes
        K, which the outputs of each model are held against; None: any.
    class_weights
        Of the hard loss (K,), see `trainers.fit.balance`; None: all alike.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        model: nn.Module,
        *,
        loss: HardLoss = "streams",
        label_smoothing: float = 0.0,
        classes: int | None = None,
        class_weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.loss: HardLoss = loss
        self.label_smoothing = label_smoothing
        self.classes = classes
        self.register_buffer("class_weights", class_weights, persistent=False)

    def forward(self, batch: Batch) -> TaskOutput:
        """Return the model's outputs and the loss."""
        output = self._outputs(self.model, batch)
        return {**output, "loss": self._hard_loss(output, batch)}

    def _outputs(self, model: nn.Module, batch: Batch) -> ModelOutput:
        """Run a model; TrainingError where it does not give what it should."""
        return checked_output(model, model(batch["inputs"], batch["valid"]), len(batch["labels"]), self.classes)

    def _hard_loss(self, output: ModelOutput, batch: Batch) -> Tensor:
        """Return the cross entropy with the labels, ()."""
        return cross_entropy(output, batch["labels"], self.loss, self.label_smoothing, self.class_weights)
