"""Finding the step that somebody means, with its output, and its folds."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.errors import ConfigError, StepError
from pipeline.plan.planner import Plan
from pipeline.plan.steps.split import Split, make_splits
from pipeline.plan.steps.step import Step
from pipeline.registry import GIVES_MODEL
from pipeline.run.selection import steps_of
from pipeline.stagesfile.experiment import Point
from pipeline.stagesfile.schema import did_you_mean
from store import Output

FEATURES = ("encode", "transform", "gaf")  # stages whose outputs have a row for each recording


def of_stages(plan: Plan, name: str, stages: Sequence[str]) -> list[Step]:
    """Return the steps of an entry, or the one step of an id, of these stages; ConfigError where there is none."""
    if not isinstance(name, str):
        raise ConfigError(f"{name!r}: is no name of an entry\n  entries are named by text")
    found = [step for step in steps_of(plan, name) if step.stage in stages]
    if not found:
        entries = dict.fromkeys(e for step in plan.steps.values() if step.stage in stages for e in step.entries)
        what = "features" if stages == FEATURES else "a trained model"
        raise ConfigError(f"{name}: no such entry with {what} in {plan.path}\n  {did_you_mean(name, list(entries))}")
    return found


def feature_step(plan: Plan, modality: str, entry: str | None) -> Step:
    """Return the step that makes a modality's features: the entry's, or the only encode entry's."""
    if not isinstance(modality, str):
        raise ConfigError(f"{modality!r}: is no name of a modality\n  modalities are named by text")
    steps = [step for step in plan.steps.values() if step.stage == "encode"]
    if entry is not None:
        steps = of_stages(plan, entry, FEATURES)
    of_modality = [step for step in steps if step.work["modality"] == modality]
    if not of_modality:
        known = dict.fromkeys(step.work["modality"] for step in steps)
        raise ConfigError(f"{modality}: no such modality in {plan.path}\n  {did_you_mean(modality, list(known))}")
    return only(of_modality, "entry=")


def training_step(plan: Plan, entry: str, fold: str | None, seed: int | None) -> Step:
    """Return the step that trained an entry's model for a fold and seed; where left out, for the first."""
    steps = of_stages(plan, entry, GIVES_MODEL)
    fold = steps[0].work["split"].name if fold is None else fold
    seed = steps[0].work["seed"] if seed is None else seed
    of_fold = [step for step in steps if step.work["split"].name == fold]
    if not of_fold:
        names = list(dict.fromkeys(step.work["split"].name for step in steps))
        raise ConfigError(f"fold {fold}: {entry} has no such fold\n  {did_you_mean(str(fold), names)}")
    of_seed = [step for step in of_fold if step.work["seed"] == seed]
    if not of_seed:
        seeds = sorted({step.work["seed"] for step in of_fold})
        raise ConfigError(f"seed {seed}: {entry} has no such seed\n  its seeds: {', '.join(map(str, seeds))}")
    return only(of_seed, "its id in place of the entry:")


def only(steps: Sequence[Step], how: str) -> Step:
    """Return the only step; ConfigError that names all where there are several."""
    if len(steps) > 1:
        raise ConfigError(f"{len(steps)} steps fit\n  say which, by {how} {', '.join(step.id for step in steps)}")
    return steps[0]


def output_of(plan: Plan, step: Step) -> Output:
    """Return a step's output; StepError where the store does not have it."""
    if plan.states[step.id] != "cached":
        where = "in a remote only" if plan.states[step.id] == "remote" else "not made yet"
        raise StepError(f"{step.id}: its output is {where}\n  run({step.entry!r}) brings it into the store")
    return plan.store.output(step.stage, step.key)


def check_indexed(plan: Plan) -> None:
    """Raise StepError where it is not known yet which recordings there are, and which of them are broken."""
    if not plan.indexed:
        raise StepError(f"{plan.path}: the index has not run, so that nobody knows the recordings\n  call run() first")


def folds_of(plan: Plan, modality: str | None = None) -> dict[str, Split]:
    """Return the folds of a plan, or of the points that have a modality, by name.

    Where points of the matrix have folds of one name that divide otherwise, names say the point, too.
    """
    points = [point for point in plan.points if modality in (None, *point.experiment.modalities)]
    found: dict[str, list[tuple[Point, Split]]] = {}
    for point in points:
        for split in _splits_of(plan, point):
            others = found.setdefault(split.name, [])
            if all(split != other for _, other in others):
                others.append((point, split))
    named = {}
    for name, several in found.items():
        for point, split in several:
            of_point = ", ".join(f"{key}={value}" for key, value in point.matrix.items())
            named[f"{name} ({of_point})" if len(several) > 1 else name] = split
    return named


def _splits_of(plan: Plan, point: Point) -> Sequence[Split]:
    encoded = [
        step
        for step in plan.steps.values()
        if step.stage == "encode" and step.work["modality"] in point.experiment.modalities
    ]
    skipped = {recording for step in encoded for recording in plan.skipped.get(step.id, ())}
    return make_splits(point, plan.table, plan.broken, skipped)
