"""One training as a tracker shows it: parameters, curves, the test's figures."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.plan.recordings.output_readers import history_of, metrics_of
from pipeline.plan.runs.settings import flat
from pipeline.report.html.gather.identity import Identity, shown_variant
from pipeline.report.html.gather.trainings import Training, distinguished
from pipeline.version import VERSION
from store import Output, Store
from store.canonical import digest

Value = str | bool | int | float
_NOTED = ("device", "torch", "python", "platform")


@dataclass(frozen=True)
class Trained:
    """What was trained of a stages file.

    Attributes
    ----------
    path
        Of the stages file.
    variant
        What tells it from the file as it stands: settings, or a run that is remembered.
    trainings
        Each with its model's name, and what tells that from others of the name.
    asked
        How `pipeline report` is asked for it: ``--set fit.lr=1e-4``, or a run's name.
    """

    store: Store
    path: Path
    variant: str
    trainings: Sequence[tuple[str, Training]]
    asked: Sequence[str] = ()


@dataclass(frozen=True)
class Point:
    """A figure after an epoch, which are counted from 1; `time` in seconds since 1970."""

    figure: str
    epoch: int
    value: float
    time: float


@dataclass(frozen=True)
class Tracked:
    """A model of one fold and seed.

    Attributes
    ----------
    key
        Of its training: equal keys are the same run.
    model, fold, seed
        `model` is the entry's name with what tells it from others of that name.
    params
        The training's parameters by dotted key, and what it was trained on.
    curves
        Loss and accuracy (in percent) by epoch, in the order of epochs; ``loss/validation`` where there is validation.
    test
        Figures of the test recordings in percent, at the epoch whose weights were kept; none before they are there.
    tags
        Digest of the code, versions, the device.
    began, ended
        Of the training, in seconds since 1970.
    """

    key: str
    model: str
    fold: str
    seed: int
    params: Mapping[str, Value]
    curves: list[Point]
    test: list[Point]
    tags: Mapping[str, str]
    began: float
    ended: float


def names_of(models: Iterable[Identity]) -> dict[Identity, str]:
    """Return each model's name, with what tells it from others of that name."""
    known = list(models)
    parts = [["+".join(each[3]), each[2], each[1], shown_variant(each)] for each in known]
    return dict(zip(known, distinguished([each[0] for each in known], parts), strict=True))


def tracked(store: Store, training: Training, model: str) -> Tracked:
    """Read a training; CorruptObject where an output holds something else than such an output holds."""
    output = store.output(training.stage, training.key)
    noted, recipe = output.manifest.provenance, output.manifest.recipe
    ended = datetime.fromisoformat(output.manifest.created).timestamp()
    seconds = noted.get("seconds")
    began = ended - (seconds if isinstance(seconds, (int, float)) and math.isfinite(seconds) else 0)
    curves = _curves(output, began, ended)
    return Tracked(
        key=training.key,
        model=model,
        fold=training.label["fold"],
        seed=training.label["seed"],
        params=_params(training.label, recipe, noted),
        curves=curves,
        test=_test(store, training, noted.get("kept_epoch", curves[-1].epoch if curves else 0)),
        tags={
            "harvest.key": training.key,
            "harvest.code": digest(recipe.get("code")),
            "harvest.version": VERSION,
            **{f"harvest.{name}": str(noted[name]) for name in _NOTED if name in noted},
        },
        began=began,
        ended=ended,
    )


def _curves(output: Output, began: float, ended: float) -> list[Point]:
    history = history_of(output)
    points = []
    for at, each in enumerate(history, 1):
        time = began + (ended - began) * at / len(history)
        points += [
            Point(figure, each.epoch, value, time)
            for figure, value in (
                ("loss/train", each.loss),
                ("loss/validation", each.validation_loss),
                ("accuracy/train", 100 * each.accuracy),
                ("accuracy/validation", None if each.validation_accuracy is None else 100 * each.validation_accuracy),
            )
            if value is not None
        ]
    return points


def _test(store: Store, training: Training, epoch: int) -> list[Point]:
    if training.evaluation is None:
        return []
    output = store.output("evaluate", training.evaluation)
    metrics, time = metrics_of(output), datetime.fromisoformat(output.manifest.created).timestamp()
    figures = {"top1": metrics.top1, "macro_f1": metrics.macro_f1}
    figures |= {f"top1 {modality}": value for modality, value in metrics.per_modality.items()}
    return [Point(f"test/{figure}", epoch, 100 * value, time) for figure, value in figures.items()]


def _params(label: Mapping[str, Any], recipe: Mapping[str, Any], noted: Mapping[str, Any]) -> dict[str, Value]:
    about = {
        "entry": label["model"],
        "dataset": label["dataset"],
        "protocol": label["protocol"],
        "modalities": "+".join(label["modalities"]),
        "fold": label["fold"],
        "seed": label["seed"],
        "parameters": noted.get("parameters"),
        **label["variant"],
    }
    chosen = {key: value for key, value in flat(recipe["params"]).items() if key != "modalities"}
    return {key: _plain(value) for key, value in {**chosen, **about}.items()}


def _plain(value: Any) -> Value:
    return value if isinstance(value, (str, bool, int, float)) else json.dumps(value)
