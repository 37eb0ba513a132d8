"""A trained model out of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from trainers.errors import TrainingError
from trainers.fit.saved_model import ModelConfig, load_model

if TYPE_CHECKING:
    from torch import nn

    from pipeline.stages.context import Context
    from trainers.data.standardise import Standardised

_FILE = "model.safetensors"
_BROKEN = (TrainingError, ArithmeticError, LookupError, RecursionError, RuntimeError, TypeError, ValueError)


def load_trained(context: Context, step: str) -> Standardised:
    """Build a train or distil step's model with its trained weights, in evaluation mode.

    CorruptObject where what was published is not a model that can be built.
    """
    output = context.outputs[step]
    content = output.read_bytes(_FILE)

    def build(config: ModelConfig) -> nn.Module:
        make, params = context.resolve("model", {"name": config.model, **config.params})
        with torch.device("meta"):  # without memory for its weights: a config may ask for any number of them
            outline: nn.Module = make(config.shapes, len(config.classes), params)
        if sum(weights.numel() for weights in outline.state_dict().values()) > len(content):
            raise ValueError("its config asks for more weights than it has")
        model: nn.Module = make(config.shapes, len(config.classes), params)
        return model

    try:
        model, _ = load_model(content, build)
    except _BROKEN as error:
        raise output.corrupt_error(
            _FILE, f"is not a model that can be loaded: {type(error).__name__}: {error}"
        ) from error
    return model
