"""A trained model as bytes: weights and standardiser, and as JSON beside them what builds it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from trainers.data.standardise import Standardised, Standardiser
from trainers.errors import TrainingError
from trainers.tensors import pack, unpack

FORMAT = 1


@dataclass(frozen=True)
class ModelConfig:
    """What builds the model again.

    Attributes
    ----------
    model, params
        Its name and parameters in the stages file (JSON values, after defaults).
    shapes
        Shape of one recording by input: patches (P, D), series (L, C), images (C, S, S).
    classes
        Class names in label order.
    """

    model: str
    params: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]
    classes: tuple[str, ...]


Build = Callable[[ModelConfig], nn.Module]


def save_model(model: Standardised, config: ModelConfig) -> bytes:
    """Serialise a trained model as safetensors."""
    metadata = {
        "format": FORMAT,
        "model": config.model,
        "params": dict(config.params),
        "shapes": [[name, *shape] for name, shape in config.shapes.items()],  # a list keeps the order
        "classes": list(config.classes),
    }
    return pack(model.state_dict(), metadata)


def load_model(content: bytes, build: Build) -> tuple[Standardised, ModelConfig]:
    """Build a saved model again, in evaluation mode on the CPU; `build` makes the bare one that a config names.

    Raises
    ------
    TrainingError
        For damaged bytes, or weights that do not fit what `build` makes.
    """
    tensors, metadata = unpack(content, "saved model")
    if metadata.get("format") != FORMAT:
        raise TrainingError(
            f"saved model: format {metadata.get('format')!r} is not {FORMAT}; use the version that wrote it"
        )
    config = ModelConfig(
        model=metadata["model"],
        params=metadata["params"],
        shapes={name: tuple(shape) for name, *shape in metadata["shapes"]},
        classes=tuple(metadata["classes"]),
    )
    model = Standardised(build(config), Standardiser(config.shapes))
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise TrainingError(f"saved model: the weights do not fit {config.model} ({error}); train it again") from error
    return model.eval(), config
