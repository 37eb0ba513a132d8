"""Results out of the evaluate outputs: over folds averaged, over seeds mean and deviation."""

from __future__ import annotations

import io
import json
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipeline.plan.planner import Plan
from pipeline.plan.recordings.output_readers import metrics_of, predictions_of
from pipeline.report.student_t import mean_interval
from store import Store

METRICS = ("top1", "macro_f1")
PREDICTION_COLUMNS = (
    "model", "protocol", "modalities", "seed", "fold", "recording", "subject", "label", "predicted", "probability",
)  # fmt: skip

BySeed = Mapping[int, Mapping[str, float]]  # a metric in percent, by seed and fold


class Evaluation(NamedTuple):
    """An evaluate output, which may not be there yet, and what it stands for in results."""

    key: str
    label: Mapping[str, Any]  # model, dataset, protocol, modalities, variant, seed and fold
    recordings: int  # of the fold's test side
    is_there: bool


@dataclass(frozen=True)
class Row:
    """One model's figure under one protocol, in percent; values are per seed, in the order of `seeds`."""

    model: str
    dataset: str
    protocol: str
    modalities: tuple[str, ...]
    metric: str
    values: tuple[float, ...]
    seeds: tuple[int, ...]
    folds: int
    variant: Mapping[str, Any] = field(default_factory=dict)
    recordings: int = 0  # tested, of all folds together
    by_seed: BySeed = field(default_factory=dict, repr=False)  # of the seeds of which all folds are there
    published: float | None = None  # of somebody else, see the stages file's `published`

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return statistics.fmean(self.values)

    @property
    def std(self) -> float | None:
        """Sample deviation over seeds (ddof 1); None for a single seed."""
        return deviation(self.values)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Ends of the mean's 95 % interval over seeds; None for a single seed."""
        return mean_interval(self.values)[1:] if len(self.values) > 1 else None

    def as_label(self) -> dict[str, Any]:
        """Return what the labels of its evaluations have in common."""
        return {
            "model": self.model,
            "dataset": self.dataset,
            "protocol": self.protocol,
            "modalities": list(self.modalities),
            "variant": dict(self.variant),
        }

    def as_json(self) -> dict[str, Any]:
        """Return the row as the command line prints it."""
        row = {
            "model": self.model,
            "dataset": self.dataset,
            "protocol": self.protocol,
            "modalities": list(self.modalities),
            "metric": self.metric,
            "mean": self.mean,
            "std": self.std,
            "n": len(self.values),
            "values": list(self.values),
            "seeds": list(self.seeds),
            "folds": self.folds,
            "recordings": self.recordings,
        }
        if self.published is not None:
            row["published"] = self.published
        return {**row, "variant": dict(self.variant)} if self.variant else row


def deviation(values: Sequence[float]) -> float | None:
    """Return the sample deviation (ddof 1); None of a single value."""
    return statistics.stdev(values) if len(values) > 1 else None


def result_rows(plan: Plan, per_modality: bool = False, vskd_f1: bool = False) -> list[Row]:
    """Collect every figure of which all folds are there, in the order of the stages file."""
    return rows_of(plan.store, evaluations_of(plan), per_modality, vskd_f1)


def rows_of(
    store: Store, evaluations: Iterable[Evaluation], per_modality: bool = False, vskd_f1: bool = False
) -> list[Row]:
    """Collect every figure of which all folds are there, in the order of the evaluations."""
    rows = []
    for group in grouped(evaluations):
        tested = {each.label["fold"]: each.recordings for each in group}
        by_metric: dict[str, dict[int, dict[str, float]]] = {}  # then by seed and fold
        for each in group:
            for metric, value in _figures(store, each, per_modality, vskd_f1).items():
                by_metric.setdefault(metric, {}).setdefault(each.label["seed"], {})[each.label["fold"]] = 100 * value
        label = group[0].label
        place = (label["model"], label["dataset"], label["protocol"], tuple(label["modalities"]))
        for metric, by_seed in by_metric.items():
            whole = {seed: by_fold for seed, by_fold in by_seed.items() if by_fold.keys() == tested.keys()}
            if whole:
                values = tuple(statistics.fmean(by_fold.values()) for by_fold in whole.values())
                recordings = sum(tested.values())
                row = Row(*place, metric, values, tuple(whole), len(tested), label["variant"], recordings, whole)
                rows.append(row)
    return rows


def grouped(evaluations: Iterable[Evaluation]) -> list[list[Evaluation]]:
    """Gather what differs in seed and fold only."""
    groups: dict[str, list[Evaluation]] = {}
    for each in evaluations:
        place = {name: value for name, value in each.label.items() if name not in ("seed", "fold")}
        groups.setdefault(json.dumps(place, sort_keys=True), []).append(each)
    return [*groups.values()]


def _figures(store: Store, evaluation: Evaluation, per_modality: bool, vskd_f1: bool) -> dict[str, float]:
    """Return the figures of one fold and seed, each from 0 to 1; none where the step has not run."""
    if not evaluation.is_there:
        return {}
    metrics = metrics_of(store.output("evaluate", evaluation.key))
    figures = {name: getattr(metrics, name) for name in (*METRICS, *(["vskd_f1"] if vskd_f1 else []))}
    alone = metrics.per_modality if per_modality else {}
    return figures | {f"top1 {name}": alone[name] for name in evaluation.label["modalities"] if name in alone}


def per_recording(store: Store, evaluations: Iterable[Evaluation]) -> str:
    """Write one CSV line for each test recording of each model, fold and seed."""
    import csv  # for this alone

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(PREDICTION_COLUMNS)
    writer.writerows(prediction_lines(store, evaluations))
    return text.getvalue()


def prediction_lines(store: Store, evaluations: Iterable[Evaluation]) -> Iterator[list[Any]]:
    """Yield the values of `PREDICTION_COLUMNS` of each test recording of each evaluation that is there."""
    for each in evaluations:
        if each.is_there:
            label = each.label
            place = [label["model"], label["protocol"], "+".join(label["modalities"]), label["seed"], label["fold"]]
            for item in predictions_of(store.output("evaluate", each.key)):
                yield [*place, *(getattr(item, name) for name in PREDICTION_COLUMNS[5:])]


def random_projections(recipes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name the modalities whose features come from a network with random weights, with that network."""
    backbones = {}
    for recipe in recipes:
        match recipe:
            case {"weights": {"random": True}, "modality": {"name": name}, "params": {"backbone": backbone}}:
                backbones[name] = backbone
    return [f"{name} ({backbone})" for name, backbone in backbones.items()]


def evaluations_of(plan: Plan) -> list[Evaluation]:
    """Return a plan's evaluations, one for each matrix point that has the step."""
    return [
        Evaluation(step.key, label, step.recipe["test"]["recordings"], plan.states[step.id] == "cached")
        for step in plan.steps.values()
        if step.stage == "evaluate"
        for label in step.labels
    ]
