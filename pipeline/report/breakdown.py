"""Results by fold and by subject: how much a figure varies over them, beside how much it does over seeds."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.plan.recordings.output_readers import predictions_of
from pipeline.report.results import Evaluation, Row, deviation, grouped
from store import Store

By = Literal["fold", "subject"]
Counts = Counter[tuple[str, str]]  # how many recordings have a label and a prediction


@dataclass(frozen=True)
class Part:
    """One fold's or one subject's figure, in percent; values are per seed, as those of the row."""

    name: str
    values: tuple[float, ...]
    recordings: int

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return statistics.fmean(self.values)

    @property
    def std(self) -> float | None:
        """Sample deviation over seeds (ddof 1); None for a single seed."""
        return deviation(self.values)


@dataclass(frozen=True)
class Breakdown:
    """A row of results and its parts; the row's own mean and deviation are over seeds."""

    row: Row
    by: By
    parts: tuple[Part, ...]

    @property
    def mean(self) -> float:
        """Mean over folds or subjects, each of which counts alike."""
        return statistics.fmean(part.mean for part in self.parts)

    @property
    def std(self) -> float | None:
        """Sample deviation (ddof 1) over folds or subjects of their means over seeds; None for a single one."""
        return deviation([part.mean for part in self.parts])

    def as_json(self) -> dict[str, Any]:
        """Return the row as the command line prints it, with its parts and what is over them."""
        parts = [
            {self.by: part.name, "mean": part.mean, "std": part.std, "n": len(part.values)}
            | {"values": list(part.values), "recordings": part.recordings}
            for part in self.parts
        ]
        over = {"mean": self.mean, "std": self.std, "n": len(self.parts)}
        return {**self.row.as_json(), f"over_{self.by}s": over, f"by_{self.by}": parts}


def break_down(store: Store, evaluations: Sequence[Evaluation], rows: Iterable[Row], by: By) -> list[Breakdown]:
    """Break rows down that these evaluations gave; by subject only those that predictions alone tell, `METRICS`."""
    if by == "fold":
        tested = {(_place(each.label), each.label["fold"]): each.recordings for each in evaluations}
        return [_by_fold(row, tested) for row in rows]
    groups = {_place(group[0].label): group for group in grouped(evaluations)}
    pooled: dict[str, dict[str, dict[int, Counts]]] = {}
    broken_down = []
    for row in rows:
        place = _place_of(row)
        if place not in pooled:
            pooled[place] = _pooled(store, [each for each in groups[place] if each.label["seed"] in row.seeds])
        broken_down.append(_by_subject(row, pooled[place]))
    return broken_down


def _by_fold(row: Row, tested: Mapping[tuple[str, str], int]) -> Breakdown:
    folds = next(iter(row.by_seed.values()))
    parts = (
        Part(fold, tuple(by_fold[fold] for by_fold in row.by_seed.values()), tested[_place_of(row), fold])
        for fold in folds
    )
    return Breakdown(row, "fold", tuple(parts))


def _by_subject(row: Row, pooled: Mapping[str, Mapping[int, Counts]]) -> Breakdown:
    figure = _FIGURES[row.metric]
    parts = (
        Part(subject, tuple(100 * figure(by_seed[seed]) for seed in row.seeds), by_seed[row.seeds[0]].total())
        for subject, by_seed in sorted(pooled.items(), key=lambda item: _in_order(item[0]))
    )
    return Breakdown(row, "subject", tuple(parts))


def _pooled(store: Store, evaluations: Iterable[Evaluation]) -> dict[str, dict[int, Counts]]:
    """Return labels and predictions by subject and seed, those of all folds together."""
    pooled: dict[str, dict[int, Counts]] = {}
    for each in evaluations:
        for item in predictions_of(store.output("evaluate", each.key)):
            by_seed = pooled.setdefault(item.subject, {})
            by_seed.setdefault(each.label["seed"], Counter())[item.label, item.predicted] += 1
    return pooled


def share_right(counts: Counts) -> float:
    """Return the share of recordings whose class was predicted, as `trainers.evaluation.metrics.top1`."""
    return sum(count for (label, predicted), count in counts.items() if label == predicted) / counts.total()


def macro_f1(counts: Counts) -> float:
    """Return the mean F1 over the classes that occur in labels or predictions, as `trainers.evaluation.metrics`."""
    named: Counter[str] = Counter()
    for pair, count in counts.items():
        for name in pair:
            named[name] += count
    return statistics.fmean(2 * counts[name, name] / count for name, count in named.items())


_FIGURES = {"top1": share_right, "macro_f1": macro_f1}


def _in_order(name: str) -> tuple[bool, int, str]:
    return not name.isdecimal(), int(name) if name.isdecimal() else 0, name


def _place(label: Mapping[str, Any]) -> str:
    return repr([label[name] for name in ("model", "dataset", "protocol", "modalities", "variant")])


def _place_of(row: Row) -> str:
    return repr([row.model, row.dataset, row.protocol, [*row.modalities], row.variant])
