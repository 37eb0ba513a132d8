"""Differences between models and what they are held against, paired by seed and subject."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pipeline.plan.runs.baselines import Baseline
from pipeline.report.comparison.answers import Answers, answers_of
from pipeline.report.comparison.crossed import crossed_interval
from pipeline.report.comparison.kept import Compared, compared
from pipeline.report.results import METRICS, Evaluation, Row, grouped
from store import Store

CONFIDENCE = 0.95
_NOTHING = 1e-9  # points: rounding
_POINTS = 100.0  # of top-1

Baselines = Mapping[str, Sequence[Baseline]]


@dataclass(frozen=True)
class Difference:
    """A model's figure minus another's, in points.

    Attributes
    ----------
    interval
        Ends over subjects and seeds; None of what is not top-1, and where the difference is the same in every seed and
        subject, which says nothing of how sure it is.
    n, subjects
        Seeds that both have, and test subjects.
    differing, recordings
        How many answers differ, in the mean over seeds, of how many recordings.
    at_once
        How many models are compared with others in all: the interval is wide enough that with 95 % probability all
        hold what they are of (Bonferroni).
    best
        Whether the other is the best of several that the model is held against.
    also_differ
        Parameters in which a control that the stages file names differs beside its teacher.
    """

    row: Row
    baseline: str
    mean: float
    interval: tuple[float, float] | None
    n: int
    subjects: int = 1
    differing: float = 0.0
    recordings: int = 0
    at_once: int = 1
    best: bool = False
    also_differ: Sequence[str] = ()


class Pair(NamedTuple):
    """A model's figure, and that of one that it is held against."""

    row: Row
    other: Row
    baseline: Baseline

    @property
    def seeds(self) -> list[int]:
        """Seeds that both have."""
        return [seed for seed in self.row.seeds if seed in self.other.seeds]

    @property
    def is_fair(self) -> bool:
        """Whether a difference says something, and how sure it is can be told."""
        return len(self.seeds) > 1 and (self.baseline.named or not self.baseline.differs)


def pairs_of(rows: Sequence[Row], baselines: Baselines) -> Iterator[Pair]:
    """Yield figures of models with those that they are held against, under the same protocol.

    That one sees the same modalities, or is the only one of its name.
    """
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(_name(row.model, row), []).append(row)
    for model, others in baselines.items():
        for row in (each for each in rows if each.model == model):
            for baseline in others:
                named = by_name.get(_name(baseline.entry, row), [])
                alike = [other for other in named if other.modalities == row.modalities] or named
                if len(alike) == 1:
                    yield Pair(row, alike[0], baseline)


def _name(model: str, row: Row) -> str:
    return repr((model, row.dataset, row.protocol, row.metric, row.variant))


def differences_of(
    store: Store, evaluations: Sequence[Evaluation], rows: Sequence[Row], baselines: Baselines
) -> list[Difference]:
    """Compare models of these evaluations, whose figures `rows` are, with what they are held against."""
    pairs = [pair for pair in pairs_of(rows, baselines) if pair.row.metric in METRICS and pair.is_fair]
    at_once = sum(pair.row.metric == METRICS[0] for pair in pairs)
    groups = {_place(group[0].label): group for group in grouped(evaluations)}
    read: dict[str, dict[int, Answers]] = {}

    def answers(of_model: Sequence[Evaluation]) -> dict[int, Answers]:
        place = _place(of_model[0].label)
        if place not in read:
            read[place] = answers_of(store, of_model)
        return read[place]

    found = []
    for pair in pairs:
        own, other = (groups[_place(row.as_label())] for row in (pair.row, pair.other))
        found.append(_difference(pair, compared(own, other, pair.seeds, answers), at_once))
    return [replace(each, best=_is_best(each, found)) for each in found]


def _difference(pair: Pair, answers: Compared, at_once: int) -> Difference:
    values = [dict(zip(row.seeds, row.values, strict=True)) for row in (pair.row, pair.other)]
    mean = statistics.fmean(values[0][seed] - values[1][seed] for seed in pair.seeds)
    interval = None
    if pair.row.metric == METRICS[0] and answers.subjects:
        middle, low, high = crossed_interval(answers.cells, 1 - (1 - CONFIDENCE) / at_once)
        if high - low > _NOTHING:
            # the two differ where recordings are not the same; no difference is beyond all points
            interval = max(low + mean - middle, -_POINTS), min(high + mean - middle, _POINTS)
    return Difference(
        row=pair.row,
        baseline=pair.other.model,
        mean=mean,
        interval=interval,
        n=len(pair.seeds),
        subjects=len(answers.subjects),
        differing=statistics.fmean(answers.differing),
        recordings=answers.recordings,
        at_once=at_once,
        also_differ=pair.baseline.differs,
    )


def _is_best(one: Difference, all_: Sequence[Difference]) -> bool:
    """Tell whether the model gains least beside this one, of several."""
    same = [each for each in all_ if each.row is one.row]
    return len(same) > 1 and one is min(same, key=lambda each: each.mean)


def _place(label: Mapping[str, object]) -> str:
    parts = {name: label[name] for name in ("model", "dataset", "protocol", "modalities", "variant")}
    return json.dumps(parts, sort_keys=True)
