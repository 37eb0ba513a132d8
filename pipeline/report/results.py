"""Results out of the evaluate outputs: over folds averaged, over seeds mean and deviation."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.plan.planner import Plan
from pipeline.plan.recordings.output_readers import metrics_of, predictions_of
from pipeline.plan.steps.step import Step
from pipeline.report.student_t import two_sided_quantile

METRICS = ("top1", "macro_f1")
_COLUMNS = (
    "model", "protocol", "modalities", "seed", "fold", "recording", "subject", "label", "predicted", "probability",
)  # fmt: skip


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

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return statistics.fmean(self.values)

    @property
    def std(self) -> float | None:
        """Sample deviation over seeds (ddof 1); None for a single seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

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
        return {**row, "variant": dict(self.variant)} if self.variant else row


@dataclass(frozen=True)
class Difference:
    """Distilled minus the same student on labels alone, paired by seed: mean and 95 % interval in points."""

    row: Row
    baseline: str
    mean: float
    low: float
    high: float
    n: int


def result_rows(plan: Plan, per_modality: bool = False, vskd_f1: bool = False) -> list[Row]:
    """Collect every figure of which all folds are there, in the order of the stages file."""
    groups: dict[tuple[Any, ...], list[tuple[Step, Mapping[str, Any]]]] = {}
    for step, label in _evaluations(plan):
        variant = json.dumps(label["variant"], sort_keys=True)
        base = (label["model"], label["dataset"], label["protocol"], tuple(label["modalities"]), variant)
        groups.setdefault(base, []).append((step, label))
    rows = []
    for base, evaluations in groups.items():
        tested = {label["fold"]: step.recipe["test"]["recordings"] for step, label in evaluations}
        by_metric: dict[str, dict[int, dict[str, float]]] = {}  # then by seed and fold
        for step, label in evaluations:
            for metric, value in _figures(plan, step, label, per_modality, vskd_f1).items():
                by_metric.setdefault(metric, {}).setdefault(label["seed"], {})[label["fold"]] = 100 * value
        variant = evaluations[0][1]["variant"]
        for metric, by_seed in by_metric.items():
            means = {
                seed: statistics.fmean(by_fold.values())
                for seed, by_fold in by_seed.items()
                if by_fold.keys() == tested.keys()
            }
            if means:
                values, seeds = tuple(means.values()), tuple(means)
                rows.append(Row(*base[:4], metric, values, seeds, len(tested), variant, sum(tested.values())))
    return rows


def _figures(plan: Plan, step: Step, label: Mapping[str, Any], per_modality: bool, vskd_f1: bool) -> dict[str, float]:
    """Return the figures of one fold and seed, each from 0 to 1; none where the step has not run."""
    if plan.states[step.id] != "cached":
        return {}
    metrics = metrics_of(plan.store.output("evaluate", step.key))
    figures = {name: getattr(metrics, name) for name in (*METRICS, *(["vskd_f1"] if vskd_f1 else []))}
    alone = metrics.per_modality if per_modality else {}
    return figures | {f"top1 {name}": alone[name] for name in label["modalities"] if name in alone}


def differences(plan: Plan, rows: Sequence[Row]) -> list[Difference]:
    """Pair each distilled model with the train entry that has the same model and parameters but no teacher."""
    pairs = []
    by_name = {(row.model, row.metric, row.protocol, row.modalities, str(row.variant)): row for row in rows}
    for model, baseline in _baselines(plan).items():
        for row in rows:
            other = by_name.get((baseline, row.metric, row.protocol, row.modalities, str(row.variant)))
            if row.model != model or other is None:
                continue
            paired = dict(zip(other.seeds, other.values, strict=True))
            gaps = [v - paired[s] for s, v in zip(row.seeds, row.values, strict=True) if s in paired]
            if len(gaps) > 1:
                mean = statistics.fmean(gaps)
                half = two_sided_quantile(0.95, len(gaps) - 1) * statistics.stdev(gaps) / math.sqrt(len(gaps))
                pairs.append(Difference(row, baseline, mean, mean - half, mean + half, len(gaps)))
    return pairs


def per_recording(plan: Plan) -> str:
    """Write one CSV line for each test recording of each model, fold and seed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for step, label in _evaluations(plan):
        if plan.states[step.id] == "cached":
            predictions = predictions_of(plan.store.output("evaluate", step.key))
            place = [label["model"], label["protocol"], "+".join(label["modalities"]), label["seed"], label["fold"]]
            for item in predictions:
                writer.writerow([*place, *(getattr(item, name) for name in _COLUMNS[5:])])
    return text.getvalue()


def random_projections(plan: Plan) -> list[str]:
    """Name the modalities whose features come from a network with random weights, with that network."""
    random = (step for step in plan.steps.values() if step.recipe.get("weights") == {"random": True})
    backbones = {step.work["modality"]: step.recipe["params"]["backbone"] for step in random}
    return [f"{name} ({backbone})" for name, backbone in backbones.items()]


def _evaluations(plan: Plan) -> Iterator[tuple[Step, Mapping[str, Any]]]:
    for step in plan.steps.values():
        if step.stage == "evaluate":
            yield from ((step, label) for label in step.labels)


def _baselines(plan: Plan) -> dict[str, str]:
    """Return for each distilled entry the one that trains the same on labels alone."""
    trained: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for step in plan.steps.values():
        if step.stage in ("train", "distil"):
            params = {name: value for name, value in step.recipe["params"].items() if name != "loss"}
            features = {name: step.recipe["features"][name] for name in step.work["inputs"]}
            trained.setdefault(step.entry, (step.stage, {**params, "features": features}))
    return {
        entry: other
        for entry, (stage, params) in trained.items()
        for other, (other_stage, other_params) in trained.items()
        if (stage, other_stage) == ("distil", "train") and params == other_params
    }
