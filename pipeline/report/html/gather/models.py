"""The models of an experiment: the steps that train and evaluate each, and its figures as `results` has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.report.html.palette import SERIES
from pipeline.report.results import Row, result_rows

Identity = tuple[str, str, str, tuple[str, ...], str]  # entry, dataset, protocol, modalities, variant


@dataclass(frozen=True)
class Run:
    """One step of a model: of one fold and seed."""

    step: Step
    seed: int
    fold: str


@dataclass(frozen=True, eq=False)
class Model:
    """An entry at one point of the matrix, over all folds and seeds.

    Attributes
    ----------
    experiment, shown_experiment
        The stages file's name, and what of it tells it from others.
    title
        Its name, with what sets it apart from others of that name.
    rows
        Its figures by metric: `top1`, `macro_f1`, and `top1 NAME` of each modality alone; none before a seed is whole.
    trainings, evaluations
        Steps whose outputs are in the store.
    planned
        How many evaluations there are to be.
    colour
        Its number among the models that pictures tell apart; None where it is not drawn.
    """

    number: int
    experiment: str
    name: str
    dataset: str
    protocol: str
    modalities: tuple[str, ...]
    variant: str
    shown_experiment: str = ""
    title: str = ""
    rows: Mapping[str, Row] = field(default_factory=dict)
    trainings: Sequence[Run] = ()
    evaluations: Sequence[Run] = ()
    planned: int = 0
    colour: int | None = None

    @property
    def top1(self) -> float | None:
        """Return the mean over seeds, in percent."""
        return self.rows["top1"].mean if "top1" in self.rows else None

    @property
    def sees(self) -> str:
        """Return its modalities as one text."""
        return "+".join(self.modalities)


def models_of(plans: Mapping[str, Plan]) -> list[Model]:
    """Return all models of experiments by their names, in the order of their stages files."""
    models: list[Model] = []
    for experiment, plan in plans.items():
        models += _models(experiment, plan, len(models))
    names = distinctive(list(plans))
    models = [replace(model, shown_experiment=names[model.experiment]) for model in models]
    return _coloured(_titled(models))


def distinctive(names: Sequence[str]) -> dict[str, str]:
    """Return names of files by what tells them apart: without endings, and without what all end in."""
    parts = {name: name.removesuffix(".yaml").split("/") for name in names}
    while len(names) > 1 and len({each[-1] for each in parts.values()}) == 1:
        parts = {name: each[:-1] for name, each in parts.items()}
    return {name: "/".join(each) for name, each in parts.items()}


def identity(label: Mapping[str, Any]) -> Identity:
    """Return what a step's label says of its model, but for fold and seed."""
    variant = json.dumps(label["variant"], sort_keys=True)
    return label["model"], label["dataset"], label["protocol"], tuple(label["modalities"]), variant


def identity_of(row: Row) -> Identity:
    """Return the same of a row of results."""
    return row.model, row.dataset, row.protocol, row.modalities, json.dumps(dict(row.variant), sort_keys=True)


def _models(experiment: str, plan: Plan, first: int) -> list[Model]:
    runs: dict[Identity, dict[str, list[tuple[Run, bool]]]] = {}
    for step in plan.steps.values():
        if step.stage in ("train", "distil", "evaluate"):
            kind = "evaluate" if step.stage == "evaluate" else "train"
            for label in step.labels:
                found = runs.setdefault(identity(label), {"train": [], "evaluate": []})
                found[kind].append((Run(step, label["seed"], label["fold"]), plan.states[step.id] == "cached"))
    rows: dict[Identity, dict[str, Row]] = {}
    for row in result_rows(plan, per_modality=True):
        rows.setdefault(identity_of(row), {})[row.metric] = row
    return [
        Model(
            first + number,
            experiment,
            *each[:4],
            ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in json.loads(each[4]).items()),
            rows=rows.get(each, {}),
            trainings=[run for run, done in found["train"] if done],
            evaluations=[run for run, done in found["evaluate"] if done],
            planned=len(found["evaluate"]),
        )
        for number, (each, found) in enumerate(runs.items())
    ]


def _titled(models: Sequence[Model]) -> list[Model]:
    def parts(model: Model) -> list[str]:
        return [model.sees, model.protocol, model.variant, model.shown_experiment]

    alike: dict[str, list[set[str]]] = {}
    for model in models:
        values = alike.setdefault(model.name, [set() for _ in parts(model)])
        for seen, part in zip(values, parts(model), strict=True):
            seen.add(part)
    titled = []
    for model in models:
        shown = [part for part, seen in zip(parts(model), alike[model.name], strict=True) if len(seen) > 1 and part]
        titled.append(replace(model, title=", ".join([model.name, *shown])))
    return titled


def _coloured(models: Sequence[Model]) -> list[Model]:
    """Choose the models that are drawn: all where there are few, else the best."""
    ranked = sorted((m for m in models if m.planned), key=lambda m: (m.top1 is None, -(m.top1 or 0)))
    drawn = [model.number for model in ranked[:SERIES]]
    return [replace(m, colour=sorted(drawn).index(m.number)) if m.number in drawn else m for m in models]


def drawn(models: Iterable[Model]) -> list[Model]:
    """Return the models that pictures draw."""
    return [model for model in models if model.colour is not None]
