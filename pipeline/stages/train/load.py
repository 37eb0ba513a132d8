"""A trained model out of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.saved import Description, load_model

if TYPE_CHECKING:
    from torch import nn

    from pipeline.stages.context import Context
    from trainers.standardise import Standardised


def load_trained(context: Context, step: str) -> Standardised:
    """Build a train or distil step's model with its trained weights, in evaluation mode."""

    def build(description: Description) -> nn.Module:
        make, params = context.resolve("model", {"name": description.model, **description.params})
        model: nn.Module = make(description.shapes, len(description.classes), params)
        return model

    model, _ = load_model(context.outputs[step].read_bytes("model.safetensors"), build)
    return model
