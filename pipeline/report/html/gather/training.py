"""How models were trained: their curves, and what they cost."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.plan.recordings.output_readers import EpochFigures, history_of
from pipeline.report.html.gather.models import Model
from store import Store


@dataclass(frozen=True)
class Curve:
    """A figure by epoch, from 1 to the last that all folds and seeds reached: their mean, least and greatest."""

    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class TrainingFacts:
    """A model's trainings, all folds and seeds together.

    Attributes
    ----------
    runs
        Of which there are that many.
    epochs
        The median over runs.
    parameters, bytes
        Of the model, and of its file; the median over runs.
    seconds_an_epoch
        The steps' time by their epochs, reading and the start included; the median over runs.
    validation_loss, validation_accuracy
        Of the recordings set apart; None where there are none.
    best
        The epoch of the least validation loss of each run: the model where there is a patience.
    """

    runs: int
    epochs: int
    loss: Curve
    accuracy: Curve
    parameters: int | None
    bytes: int | None
    seconds_an_epoch: float | None
    devices: Sequence[str]
    validation_loss: Curve | None = None
    validation_accuracy: Curve | None = None
    best: Sequence[int] = ()


def training_of(store: Store, model: Model) -> TrainingFacts | None:
    """Read what a model's trainings left; None where none has ended."""
    histories: list[list[EpochFigures]] = []
    parameters, sizes, seconds, devices = [], [], [], []
    for each in model.trainings:
        output = store.output(each.stage, each.key)
        history = history_of(output)
        if not history:
            continue
        histories.append(history)
        noted = output.manifest.provenance
        parameters += _positive(noted.get("parameters"))
        sizes += [each.size for path, each in output.entries.items() if path == "model.safetensors"]
        seconds += [took / len(history) for took in _positive(noted.get("seconds"))]
        devices += [str(noted["device"])] if "device" in noted else []
    if not histories:
        return None
    losses = [[each.validation_loss for each in run if each.validation_loss is not None] for run in histories]
    accuracies = [
        [100 * each.validation_accuracy for each in run if each.validation_accuracy is not None] for run in histories
    ]
    return TrainingFacts(
        len(histories),
        round(statistics.median(map(len, histories))),
        _curve([[each.loss for each in history] for history in histories]),
        _curve([[100 * each.accuracy for each in history] for history in histories]),
        round(statistics.median(parameters)) if parameters else None,
        round(statistics.median(sizes)) if sizes else None,
        statistics.median(seconds) if seconds else None,
        list(dict.fromkeys(devices)),
        _curve(losses) if all(losses) else None,
        _curve(accuracies) if all(accuracies) else None,
        [run.index(min(run)) + 1 for run in losses if run],
    )


def _curve(runs: Sequence[Sequence[float]]) -> Curve:
    """Join runs, of unequal lengths up to the end of the shortest: further on a mean would be of other runs."""
    columns = [[run[at] for run in runs] for at in range(min(map(len, runs)))]
    return Curve([statistics.fmean(each) for each in columns], [*map(min, columns)], [*map(max, columns)])


def _positive(value: Any) -> list[float]:
    return [value] if type(value) in (int, float) and math.isfinite(value) and value > 0 else []
