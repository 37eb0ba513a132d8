"""What train and distil steps read of their recipe and work, typed; fields that only identify are left out."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from pipeline.stages.train.params import DistilParams, TrainParams

Part = Literal["train", "validation", "test"]  # of a fold


class TrainRecipe(msgspec.Struct, frozen=True):
    """What the trained model depends on."""

    params: dict[str, Any]  # the entry's: ``model`` and ``loss`` are sections with a name, the rest is `TrainParams`
    classes: int  # K
    seed: int  # what initial weights and training draw from

    def train_params(self) -> TrainParams:
        """Return the parameters without those that name something."""
        return msgspec.convert(self._plain_params(), TrainParams)

    def distil_params(self) -> DistilParams:
        """Return the same of a distilled model."""
        return msgspec.convert(self._plain_params(), DistilParams)

    def _plain_params(self) -> dict[str, Any]:
        return {key: value for key, value in self.params.items() if key not in ("model", "loss")}


class FoldWork(msgspec.Struct, frozen=True):
    """Where a fold's recordings are."""

    features: dict[str, str]  # by input, the id of the step that made it
    train: list[tuple[int, int]] = []  # row and label of each recording of the side but those that validate
    validation: list[tuple[int, int]] = []  # the same of these
    test: list[tuple[int, int]] = []  # the same; an evaluation has this side alone
    virtual: dict[str, str] = {}  # by modality, the id of the step that made what a virtual sensor measures


class TrainWork(msgspec.Struct, frozen=True):
    """What else a model is made of."""

    inputs: list[str]  # of the model, in the order in which it takes them
    features: dict[str, str]  # by input, of the teacher too, the id of the step that made it
    weights: str | None = None  # what pretrained weights are called; None for a model without
    teacher: str | None = None  # the id of the step that trained a student's teacher
    init: str | None = None  # which output has the weights that the model begins with
    new_heads: bool = False  # whether what says classes is not among them
