"""Train a model on labels."""

from __future__ import annotations

from torch import Tensor, nn

from trainers.data.batch import Batch, ModelOutput, TaskOutput
from trainers.data.input_names import modality_of
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
        output = self._trained_outputs(batch)
        return {**output, "loss": self._hard_loss(output, batch)}

    def _trained_outputs(self, batch: Batch) -> ModelOutput:
        """Run the model that is trained, on what modality dropout leaves of the batch."""
        if "seen" not in batch:
            return self._outputs(self.model, batch)
        seen = batch["seen"]
        output = self._outputs(self.model, {**batch, "valid": seen})
        present = {modality_of(name): mask.any(1) for name, mask in seen.items()}  # (B,)
        of_streams = {stream: modality_of(stream.rpartition("/")[0]) for stream in output["streams"]}
        output["present"] = {name: present[modality] for name, modality in of_streams.items() if modality in present}
        return output

    def _outputs(self, model: nn.Module, batch: Batch) -> ModelOutput:
        """Run a model; TrainingError where it does not give what it should."""
        return checked_output(model, model(batch["inputs"], batch["valid"]), len(batch["labels"]), self.classes)

    def _hard_loss(self, output: ModelOutput, batch: Batch) -> Tensor:
        """Return the cross entropy with the labels, (); of a mixture with both, by their shares."""
        labels, how = batch["labels"], (self.loss, self.label_smoothing, self.class_weights)
        if "shares" not in batch:
            return cross_entropy(output, labels, *how)
        own, shares = cross_entropy(output, labels, *how, batch["shares"]), 1 - batch["shares"]
        return own + cross_entropy(output, labels.roll(-1), *how, shares)
