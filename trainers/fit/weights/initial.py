"""What a training begins with: the weights of a trained model, taken by name and shape."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import torch
from torch import Tensor, nn

from trainers.errors import TrainingError

Shapes = Mapping[str, Sequence[int]]  # of one recording, by input


def head_names(build: Callable[[int], nn.Module], classes: int) -> set[str]:
    """Return the names of the tensors of a model whose shape depends on how many classes there are."""
    with torch.device("meta"):
        own, other = build(classes).state_dict(), build(classes + 1).state_dict()
    return {name for name, tensor in own.items() if tensor.shape != other[name].shape}


def check_channels(own: Shapes, stored: Shapes) -> None:
    """Compare two models' inputs in their order; TrainingError names one that has other channels, or is missing."""
    if len(own) != len(stored):
        raise TrainingError(
            f"init_from: the model sees {', '.join(own)}, and the one that it should begin with {', '.join(stored)}; "
            "give both the same modalities"
        )
    for (name, shape), (other, wanted) in zip(own.items(), stored.items(), strict=True):
        channels, theirs = (each[0] if len(each) == 3 else each[-1] for each in (shape, wanted))
        if channels != theirs:
            raise TrainingError(
                f"init_from: input {name} has {channels} channels, and {other} of the model that it should begin with "
                f"has {theirs}; encode it alike, or choose another model"
            )


def take_weights(model: nn.Module, stored: Mapping[str, Tensor], fresh: Collection[str] = ()) -> None:
    """Make a model's tensors those of the same names; those in `fresh` stay as they are.

    TrainingError names one that is not there, or has another shape; then nothing is taken.
    """
    own = {name: tensor for name, tensor in model.state_dict().items() if name not in fresh}
    for name, tensor in own.items():
        if name not in stored:
            problem = f"has no weights {name}"
        elif stored[name].shape != tensor.shape:
            problem = f"has weights {name} of the shape {tuple(stored[name].shape)}, not {tuple(tensor.shape)}"
        else:
            continue
        raise TrainingError(
            f"init_from: the model that it should begin with {problem}; give both the same model's parameters, "
            "modalities and patches"
        )
    model.load_state_dict({name: stored[name] for name in own}, strict=False)
