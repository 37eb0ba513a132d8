"""Figures by condition out of the robustness outputs: over folds averaged, over seeds mean and deviation."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.plan.planner import Plan
from pipeline.plan.recordings.output_readers import conditions_of
from pipeline.report.results import METRICS, Evaluation, Row, grouped
from pipeline.report.robustness.wording import condition_text
from store import Store
from trainers.robustness.conditions import HARMS, Condition


@dataclass(frozen=True)
class Tests:
    """What an entry of stage robustness tests; `weighted` where streams vote by their accuracy."""

    entry: str
    tests: Sequence[Evaluation]
    weighted: bool = False


@dataclass(frozen=True)
class Figure:
    """One model's figure under one condition, of the tests of one entry; `row` has its values in percent."""

    entry: str
    condition: Condition
    row: Row

    def as_json(self) -> dict[str, Any]:
        """Return the figure as the command line prints it."""
        return {**self.place(), **self.row.as_json(), "absent": list(self.condition.absent)}

    def place(self) -> dict[str, Any]:
        """Return what stands in front of the figure in CSV and JSON."""
        condition = self.condition
        return {
            "entry": self.entry,
            "condition": condition_text(condition),
            "absent": "+".join(condition.absent),
            "harmed": condition.modality,
            "harm": condition.harm,
            "strength": condition.strength,
        }


def tests_of(plan: Plan) -> list[Tests]:
    """Return a plan's tests, an item for each entry."""
    found: dict[str, list[Evaluation]] = {}
    weighted: dict[str, bool] = {}
    for step in plan.steps.values():
        if step.stage == "robustness":
            there = plan.states[step.id] == "cached"
            for entry in step.entries:
                found.setdefault(entry, []).extend(
                    Evaluation(step.key, label, step.recipe["test"]["recordings"], there) for label in step.labels
                )
                weighted[entry] = step.recipe["params"]["vote"] == "weighted"
    return [Tests(entry, tests, weighted[entry]) for entry, tests in found.items()]


def figures_of(store: Store, tests: Iterable[Tests]) -> list[Figure]:
    """Collect every figure of which all folds are there, model after model, in the order of `ordered`."""
    found = [
        Figure(each.entry, condition, row)
        for each in tests
        for group in grouped(each.tests)
        for condition, rows in _by_condition(store, group).items()
        for row in rows
    ]
    order = {condition: at for at, condition in enumerate(ordered(each.condition for each in found))}
    columns = {column_of(each): at for at, each in reversed([*enumerate(found)])}
    return sorted(found, key=lambda each: (columns[column_of(each)], order[each.condition]))


def column_of(figure: Figure) -> tuple[str, ...]:
    """Return what tells one model's figures, of one entry, from others'."""
    row = figure.row
    return figure.entry, row.model, row.dataset, row.protocol, "+".join(row.modalities), str(dict(row.variant))


def ordered(conditions: Iterable[Condition]) -> list[Condition]:
    """Return conditions, each once: all sensors, then ever fewer, then harm by harm, modality by modality."""
    listed = [*dict.fromkeys(conditions)]
    modalities = [*dict.fromkeys(each.modality for each in listed)]

    def place(condition: Condition) -> tuple[int, int, int]:
        harm = HARMS.index(condition.harm) + 1 if condition.harm else 0
        return harm, len(condition.absent), modalities.index(condition.modality)

    return sorted(listed, key=place)


def _by_condition(store: Store, group: Sequence[Evaluation]) -> dict[Condition, list[Row]]:
    """Return a row for each metric of each condition of one model's tests."""
    tested = {each.label["fold"]: each.recordings for each in group}
    values: dict[tuple[Condition, str], dict[int, dict[str, float]]] = {}  # then by seed and fold
    for each in group:
        for figures in conditions_of(store.output("robustness", each.key)) if each.is_there else ():
            for metric in METRICS:
                by_seed = values.setdefault((figures.condition, metric), {})
                by_seed.setdefault(each.label["seed"], {})[each.label["fold"]] = 100 * getattr(figures, metric)
    found: dict[Condition, list[Row]] = {}
    for (condition, metric), by_seed in values.items():
        if row := _row(group[0].label, metric, by_seed, tested):
            found.setdefault(condition, []).append(row)
    return found


def _row(
    label: Mapping[str, Any], metric: str, by_seed: Mapping[int, Mapping[str, float]], tested: Mapping[str, int]
) -> Row | None:
    whole = {seed: by_fold for seed, by_fold in by_seed.items() if by_fold.keys() == tested.keys()}
    if not whole:
        return None
    place = (label["model"], label["dataset"], label["protocol"], tuple(label["modalities"]))
    values = tuple(statistics.fmean(by_fold.values()) for by_fold in whole.values())
    return Row(*place, metric, values, tuple(whole), len(tested), label["variant"], sum(tested.values()), whole)
