"""The distil stage: a student on the labels and on trained teachers' outputs for the same recordings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from pipeline.stages.train.features import read_recordings, read_validation
from pipeline.stages.train.load import load_trained
from pipeline.stages.train.recipe import TrainRecipe, TrainWork
from pipeline.stages.train.training import TrainingStep, new_model, train, train_together
from trainers.fit.balance import class_weights
from trainers.fit.output_checks import embedding_width
from trainers.fit.seeding import seeded
from trainers.fit.tasks.distil import DistilTask
from trainers.models.ensemble import Ensemble

if TYPE_CHECKING:
    from pipeline.stages.context import Context


def _prepare(context: Context) -> TrainingStep:
    """Build the student and its teachers, which may see other modalities of the same recordings."""
    recipe, work = msgspec.convert(context.recipe, TrainRecipe), msgspec.convert(context.work, TrainWork)
    params = recipe.distil_params()
    data, _ = read_recordings(context, "train", list(work.features), params.augment, work.inputs, params.pairing)
    student = new_model(context, recipe, work, data, params.standardise)
    teachers = [load_trained(context, teacher) for teacher in work.teachers]
    width = sum(embedding_width(teacher) for teacher in teachers)
    build, loss_params = context.resolve("loss", recipe.params["loss"])
    with seeded(recipe.seed):  # a projector has weights
        distillation = build(loss_params, embedding_width(student), width)
    task = DistilTask(
        student,
        teachers[0] if len(teachers) == 1 else Ensemble(teachers),
        distillation,
        loss=params.fit.loss,
        label_smoothing=params.fit.label_smoothing,
        classes=recipe.classes,
        class_weights=class_weights(params.fit, data.labels, recipe.classes),
    )
    return TrainingStep(context, recipe, task, student, data, params.fit, read_validation(context, list(work.features)))


# What `pipeline.registry` names: a step by itself, and steps that differ in fold and seed only, as one.
run, run_together = partial(train, _prepare), partial(train_together, _prepare)
