"""The train stage: one model on the labels of one fold's training side, with one seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.stages.train.features import read_recordings
from pipeline.stages.train.recipe import TrainRecipe, TrainWork
from pipeline.stages.train.training import TrainingStep, new_model, train, train_together
from trainers.fit.tasks.classify import ClassifyTask

if TYPE_CHECKING:
    from pipeline.stages.context import Context


def run(context: Context) -> dict[str, Any]:
    """Train and write the model; see `pipeline.stages.train.training`."""
    return train(_prepare(context))


def run_together(contexts: Sequence[Context]) -> list[dict[str, Any] | Exception]:
    """Train and write the models of steps that differ in fold and seed only."""
    return train_together(_prepare, contexts)


def _prepare(context: Context) -> TrainingStep:
    recipe, work = msgspec.convert(context.recipe, TrainRecipe), msgspec.convert(context.work, TrainWork)
    params = recipe.train_params()
    data, _ = read_recordings(context, "train", work.inputs, params.augment)
    model = new_model(context, recipe, work, data, params.standardise)
    task = ClassifyTask(model, loss=params.fit.loss, label_smoothing=params.fit.label_smoothing, classes=recipe.classes)
    return TrainingStep(context, recipe, task, model, data, params.fit)
