"""The distil stage: a student on the labels and on a trained teacher's outputs for the same recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.stages.train.features import read_recordings
from pipeline.stages.train.load import load_trained
from pipeline.stages.train.outcome import new_model, train_and_write, train_params
from pipeline.stages.train.params import DistilParams
from trainers.seeding import seeded
from trainers.tasks.distil import DistilTask

if TYPE_CHECKING:
    from pipeline.stages.context import Context


def run(context: Context) -> dict[str, Any]:
    """Train and write the student; the teacher may see other modalities of the same recordings."""
    params: DistilParams = train_params(context.recipe, DistilParams)
    data, _ = read_recordings(context, "train", list(context.work["features"]), params.augment)
    student = new_model(context, data, params)
    teacher = load_trained(context, context.work["teacher"])
    build, loss_params = context.resolve("loss", context.recipe["params"]["loss"])
    with seeded(context.recipe["seed"]):  # a projector has weights
        distillation = build(loss_params, student.model.embedding_width, teacher.model.embedding_width)
    task = DistilTask(
        student,
        teacher,
        distillation,
        loss=params.fit.loss,
        label_smoothing=params.fit.label_smoothing,
    )
    return train_and_write(context, task, student, data, params.fit)
