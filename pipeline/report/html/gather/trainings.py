"""The trainings of an experiment: which output each is, what it stands for, and what tested it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.registry import TRAINED
from pipeline.report.html.gather.identity import Identity, identity
from store import Store


@dataclass(frozen=True)
class Training:
    """A training that is in the store.

    Attributes
    ----------
    stage, key
        Of the output: `train` or `distil`.
    label
        Model, dataset, protocol, modalities, variant, seed and fold.
    evaluation
        Key of the evaluate output that is of it; None where that is not there.
    """

    stage: str
    key: str
    label: Mapping[str, Any]
    evaluation: str | None = None


def trainings_of(plan: Plan, steps: Iterable[Step] | None = None) -> dict[Identity, list[Training]]:
    """Return the trainings of each model of a plan, or of some of its steps; one still to be trained has none."""
    among = [*(plan.steps.values() if steps is None else steps)]
    there = [step for step in among if plan.states[step.id] == "cached"]
    evaluations = {step.recipe["model"]: step.key for step in there if step.stage == "evaluate"}
    found: dict[Identity, list[Training]] = {}
    for step in among:
        for label in step.labels if step.stage in TRAINED else ():
            own = found.setdefault(identity(label), [])
            if plan.states[step.id] == "cached":
                own.append(Training(step.stage, step.key, label, evaluations.get(step.key)))
    return found


def trainings_of_run(
    store: Store, evaluations: Iterable[tuple[str, Mapping[str, Any]]], here: Collection[tuple[str, str]]
) -> dict[Identity, list[Training]]:
    """Find the trainings of each model of a run that is remembered.

    Parameters
    ----------
    evaluations
        Keys of evaluate outputs with their labels, by which trainings are found.
    here
        The run's outputs that are in the store.
    """
    stages = {key: stage for stage, key in here if stage in TRAINED}
    found: dict[Identity, list[Training]] = {}
    for evaluation, label in evaluations:
        own = found.setdefault(identity(label), [])
        if ("evaluate", evaluation) in here:
            key = store.output("evaluate", evaluation).manifest.recipe.get("model")
            own += [Training(stages[key], key, label, evaluation)] if key in stages else []
    return found


def distinguished(names: Sequence[str], parts: Sequence[Sequence[str]]) -> list[str]:
    """Return each name with those of its parts in which others of that name differ: ``teacher, skeleton``."""
    alike: dict[str, list[set[str]]] = {}
    for name, own in zip(names, parts, strict=True):
        for seen, part in zip(alike.setdefault(name, [set() for _ in own]), own, strict=True):
            seen.add(part)
    return [
        ", ".join([name, *(part for part, seen in zip(own, alike[name], strict=True) if len(seen) > 1 and part)])
        for name, own in zip(names, parts, strict=True)
    ]
