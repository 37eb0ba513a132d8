"""The step that puts trained models together as one that votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pipeline.plan.steps.axes import label_of, model_axes
from pipeline.plan.steps.inputs import position
from pipeline.plan.steps.models.reading import is_of
from pipeline.plan.steps.recipes import ensemble_recipe
from pipeline.plan.steps.split import Split
from pipeline.plan.steps.step import Step, StepCode
from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.experiment import Point
from pipeline.stagesfile.parameters import in_source_order
from store.canonical import digest


def find_members(needed: Mapping[str, Sequence[Step]], split: Split, seeds: Sequence[int]) -> dict[str, Step]:
    """Return an ensemble's members of a split by name: each needed entry's model of each seed."""
    found: dict[str, Step] = {}
    for entry, steps in needed.items():
        for seed in seeds:
            step = next(step for step in steps if is_of(step, split, seed))
            found[entry if len(seeds) == 1 else f"{entry}-{seed}"] = step
    return found


def _features_of(point: Point, entry: Entry, members: Mapping[str, Step]) -> dict[str, str]:
    """Return the ids of the steps that give the members' inputs, by input, in the order of the source's modalities.

    ConfigError where two members read one input in two encodings.
    """
    given: dict[str, str] = {}
    for name, step in members.items():
        for read in step.work["inputs"]:
            feature = step.work["features"][read]
            if given.setdefault(read, feature) != feature:
                problem = f"its members read {read} in two encodings, {given[read]} and {feature} ({name})"
                raise point.document.error(f"{entry.dotted_key}.needs", problem, "let all read one")
    return {read: given[read] for read in sorted(given, key=partial(position, point))}


def _check_weights(point: Point, entry: Entry, weights: Mapping[str, float], members: Mapping[str, Step]) -> None:
    """Raise ConfigError for a weight of what no stream of a member can be called, or where nothing counts.

    A member has a stream, or several, for each modality, or one of all that it sees together, ``skeleton+inertial``.
    """
    seen = [step.work["modalities"] for step in members.values()]
    voices = dict.fromkeys([*(name for names in seen for name in names), *("+".join(names) for names in seen)])
    for name in weights:
        if name not in voices:
            key, remedy = f"{entry.dotted_key}.weights.{name}", f"there can be {', '.join(voices)}"
            raise point.document.error(key, "no member has a stream of it", remedy)
    if not any(weights.get(name, 1.0) for name in voices):
        raise point.document.error(f"{entry.dotted_key}.weights", "nothing counts", "give one a weight above 0")


def ensemble_step(
    point: Point,
    entry: Entry,
    split: Split,
    seed: int,
    params: Mapping[str, Any],
    members: Mapping[str, Step],
    code: StepCode,
) -> Step:
    """Return the step that puts members together; one of all seeds is the same step for each of them."""
    features = _features_of(point, entry, members)
    modalities = in_source_order(point, [name for step in members.values() for name in step.work["modalities"]])
    _check_weights(point, entry, params["weights"], members)
    weights = {name: weight for name, weight in params["weights"].items() if weight != 1}
    validations = {step.work["validation"] for step in members.values()}
    if len(validations) > 1:
        problem = "its members set different shares of the training side apart"
        raise point.document.error(f"{entry.dotted_key}.needs", problem, "give all one fit.validation")
    of_all = params["seeds"] == "all"
    described = {name: _saved_member(step) for name, step in members.items()}
    section = {"name": "ensemble", "rule": params["rule"], "weights": weights, "members": described}
    recipe = ensemble_recipe(
        {"model": section, "modalities": modalities},
        len(point.source.classes),
        {name: step.key for name, step in members.items()},
        split,
        code.recipe,
    )
    work = {
        "modalities": modalities,
        "inputs": list(features),
        "weights": None,
        "features": features,
        "teacher": None,
        "members": {name: step.id for name, step in members.items()},
        "seed": None if of_all else seed,
        "split": split,
        "validation": validations.pop(),
    }
    shown = point.experiment.seeds[0] if of_all else seed
    label = label_of(point, entry, modalities, split.name, shown)
    needs = tuple(dict.fromkeys(step.id for step in members.values()))
    axes = model_axes(point, split.name, shown)
    return Step(entry.name, axes, digest(recipe), recipe, needs, point, code, (label,), work)


def _saved_member(step: Step) -> dict[str, Any]:
    """Describe a trained step's model as `trainers.models.ensemble.params.Member` has it."""
    section = dict(step.recipe["params"]["model"])
    return {"model": section.pop("name"), "params": section, "inputs": list(step.work["inputs"])}
