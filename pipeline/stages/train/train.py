"""The train stage: one model on the labels of one fold's training side, with one seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.stages.train.features import read_recordings
from pipeline.stages.train.outcome import new_model, train_and_write, train_params
from pipeline.stages.train.params import TrainParams
from trainers.tasks.classify import ClassifyTask

if TYPE_CHECKING:
    from pipeline.stages.context import Context


def run(context: Context) -> dict[str, Any]:
    """Train and write the model; see `pipeline.stages.train.outcome`."""
    params: TrainParams = train_params(context.recipe, TrainParams)
    data, _ = read_recordings(context, "train", context.work["inputs"], params.augment)
    model = new_model(context, data, params)
    task = ClassifyTask(model, loss=params.fit.loss, label_smoothing=params.fit.label_smoothing)
    return train_and_write(context, task, model, data, params.fit)
