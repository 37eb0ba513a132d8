"""What train and distil steps read of their recipe and work, typed; fields that only identify are left out."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.stages.train.params import TrainParams


class TrainRecipe(msgspec.Struct, frozen=True):
    """What the trained model depends on.

    Attributes
    ----------
    params
        The entry's parameters; ``model`` and ``loss`` are sections with a name, the rest is `TrainParams`.
    classes, seed
        K, and what initial weights and training draw from.
    """

    params: dict[str, Any]
    classes: int
    seed: int

    def train_params(self) -> TrainParams:
        """Return the parameters without those that name something."""
        plain = {key: value for key, value in self.params.items() if key not in ("model", "loss")}
        return msgspec.convert(plain, TrainParams)


class FoldWork(msgspec.Struct, frozen=True):
    """Where a fold's recordings are.

    Attributes
    ----------
    features
        By input, the id of the step that made it.
    train, test
        Row and label of each recording of a side; an evaluation reads the latter alone.
    """

    features: dict[str, str]
    train: list[tuple[int, int]] = []
    test: list[tuple[int, int]] = []


class TrainWork(msgspec.Struct, frozen=True):
    """What else a model is made of.

    Attributes
    ----------
    inputs
        Of the model, in the order in which it takes them.
    features
        By input, of the teacher too, the id of the step that made it.
    weights
        What pretrained weights are called, or None for a model without.
    teacher
        The id of the step that trained a student's teacher.
    """

    inputs: list[str]
    features: dict[str, str]
    weights: str | None = None
    teacher: str | None = None
