"""Which models a step reads: a student's teacher, and what builds a model that is tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.plan.steps.split import Split
from pipeline.plan.steps.step import Step
from pipeline.registry import ENSEMBLE, GIVES_MODEL, Registration, find
from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.experiment import Point


def find_teacher(needed: Sequence[Step], split: Split, seed: int) -> Step | None:
    """Return the needed model of that split and seed, if there is one."""
    models = (step for step in needed if step.stage in GIVES_MODEL)
    return next((step for step in models if is_of(step, split, seed)), None)


def seed_of_teacher(point: Point, entry: Entry, chosen: str, seed: int) -> int:
    """Return the seed of a student's teacher: its own, or the next one of the experiment's."""
    if chosen == "same":
        return seed
    seeds = point.experiment.seeds
    if len(seeds) == 1:
        remedy = "add a second one to `seeds`, or leave it out"
        raise point.document.error(f"{entry.dotted_key}.teacher_seed", "there is one seed, and no next", remedy)
    return seeds[(seeds.index(seed) + 1) % len(seeds)]


def models_of(recipe: Mapping[str, Any]) -> list[Registration]:
    """Return what builds the model of a recipe of a train, distil or ensemble step: an ensemble's members, too."""
    section = recipe["params"]["model"]
    if recipe["stage"] != "ensemble":
        return [find("models", section["name"])]
    names = dict.fromkeys(str(member["model"]) for member in section["members"].values())
    return [ENSEMBLE, *(find("models", name) for name in names)]


def is_of(step: Step, split: Split, seed: int) -> bool:
    """Tell whether a model is of a split and seed, or of all seeds.

    Splits are compared by their recordings, not by name: two protocols may split alike.
    """
    return step.work["seed"] in (seed, None) and bool(step.work["split"] == split)
