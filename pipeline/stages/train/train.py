"""The train stage: one model on the labels of one fold's training side, with one seed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from pipeline.stages.train.features import read_recordings, read_validation
from pipeline.stages.train.recipe import TrainRecipe, TrainWork
from pipeline.stages.train.training import TrainingStep, new_model, train, train_together
from trainers.fit.balance import class_weights
from trainers.fit.tasks.classify import ClassifyTask

if TYPE_CHECKING:
    from pipeline.stages.context import Context


def _prepare(context: Context) -> TrainingStep:
    recipe, work = msgspec.convert(context.recipe, TrainRecipe), msgspec.convert(context.work, TrainWork)
    params = recipe.train_params()
    data, _ = read_recordings(context, "train", work.inputs, params.augment)
    model = new_model(context, recipe, work, data, params.standardise)
    task = ClassifyTask(
        model,
        loss=params.fit.loss,
        label_smoothing=params.fit.label_smoothing,
        classes=recipe.classes,
        class_weights=class_weights(params.fit, data.labels, recipe.classes),
    )
    return TrainingStep(context, recipe, task, model, data, params.fit, read_validation(context, work.inputs))


# What `pipeline.registry` names: a step by itself, and steps that differ in fold and seed only, as one.
run, run_together = partial(train, _prepare), partial(train_together, _prepare)
