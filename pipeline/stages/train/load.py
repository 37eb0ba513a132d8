"""A trained model out of the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import torch
from torch import Tensor

from trainers.data.standardise import Standardised, Standardiser
from trainers.errors import TrainingError
from trainers.fit.saved_model import ModelConfig, load_model
from trainers.models.ensemble.model import Ensemble
from trainers.models.ensemble.params import SavedEnsemble
from trainers.tensors import unpack

if TYPE_CHECKING:
    from torch import nn

    from pipeline.stages.context import Context

_FILE = "model.safetensors"
_ENSEMBLE = "ensemble"  # what is built of others, and is no name of a model that trains
_BROKEN = (TrainingError, ArithmeticError, LookupError, RecursionError, RuntimeError, TypeError, ValueError)


def load_trained(context: Context, step: str) -> Standardised:
    """Build a train, distil or ensemble step's model with its trained weights, in evaluation mode.

    CorruptObject where what was published is not a model that can be built.
    """
    return load_member(context, step)[0]


def load_member(context: Context, step: str) -> tuple[Standardised, ModelConfig]:
    """Do as `load_trained`, and return what the model was built of, too."""
    output = context.outputs[step]
    content = output.read_bytes(_FILE)

    def build(config: ModelConfig) -> nn.Module:
        return _ensemble(config) if config.model == _ENSEMBLE else _model(config)

    def _model(config: ModelConfig) -> nn.Module:
        make, params = context.resolve("model", {"name": config.model, **config.params})
        with torch.device("meta"):  # without memory for its weights: a config may ask for any number of them
            outline: nn.Module = make(config.shapes, len(config.classes), params)
        if sum(weights.numel() for weights in outline.state_dict().values()) > len(content):
            raise ValueError("its config asks for more weights than it has")
        model: nn.Module = make(config.shapes, len(config.classes), params)
        return model

    def _ensemble(config: ModelConfig) -> nn.Module:
        saved = msgspec.convert(config.params, SavedEnsemble)
        members = {}
        for name, each in saved.members.items():
            shapes = {taken: config.shapes[taken] for taken in each.inputs}
            network = _model(ModelConfig(each.model, each.params, shapes, config.classes))
            members[name] = Standardised(network, Standardiser(shapes))
        return Ensemble(members, {name: each.inputs for name, each in saved.members.items()}, saved.rule, saved.weights)

    try:
        return load_model(content, build)
    except _BROKEN as error:
        raise output.corrupt_error(
            _FILE, f"is not a model that can be loaded: {type(error).__name__}: {error}"
        ) from error


@dataclass(frozen=True)
class StoredWeights:
    """A stored model's tensors by name, without its standardiser's, and the shapes of its inputs in order."""

    weights: Mapping[str, Tensor]
    shapes: Mapping[str, tuple[int, ...]]


def read_stored(context: Context, name: str) -> StoredWeights:
    """Read the weights of a train or distil output; CorruptObject where what was published is no model."""
    output = context.outputs[name]
    try:
        tensors, metadata = unpack(output.read_bytes(_FILE), "saved model")
        shapes = {input_: tuple(shape) for input_, *shape in metadata["shapes"]}
    except _BROKEN as error:
        raise output.corrupt_error(_FILE, f"is not a model: {type(error).__name__}: {error}") from error
    prefix = "model."
    weights = {each.removeprefix(prefix): tensor for each, tensor in tensors.items() if each.startswith(prefix)}
    return StoredWeights(weights, shapes)
