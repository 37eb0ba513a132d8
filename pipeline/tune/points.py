"""Trials as points of a plan: what an entry needs of the stages file, with a trial's settings, on inner folds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan, build_points
from pipeline.plan.steps.step import Step
from pipeline.stagesfile.document import Document
from pipeline.stagesfile.experiment import Point, read_point
from pipeline.stagesfile.settings import OF_READING, with_settings
from pipeline.tune.study import OuterFold, Study

TRIAL = "trial"  # the axis that trials are apart by
_TOP = ("matrix", "by_fold", *OF_READING)  # what a trial has none of

Scored = tuple[str, int]  # the inner fold as results call it, and the seed


def trial_point(
    base: Plan, document: Document, study: Study, fold: OuterFold, found: Mapping[str, Any], tried: Mapping[str, Any]
) -> Point:
    """Return a trial's experiment; ConfigError where its settings make none.

    Parameters
    ----------
    document
        The stages file.
    found
        Settings that earlier searches found for this fold.
    tried
        The trial's own.
    """
    of_trial = {"protocol": dict(fold.inner.protocol), "seeds": list(study.seeds)}
    layers = {f"by_fold.{fold.name}": fold.settings, "tune.found": found, f"tune.space.{study.entry}": tried}
    for origin, settings in {**layers, "tune.inner": of_trial}.items():
        document = with_settings(document, settings.items(), origin)
    values = {key: value for key, value in document.values.items() if key not in _TOP}
    values["stages"] = _needed(values["stages"], study.entry)
    return read_point(Document(document.path, values, document.lines, document.origins), {}, base.points[0].plugins)


def _needed(stages: Mapping[str, Any], entry: str) -> dict[str, Any]:
    """Return an entry, what it needs, and an entry that evaluates it alone: the file's own, if it has one."""
    bodies = {name: body or {} for name, body in stages.items()}
    wanted, waiting = set[str](), [entry]
    while waiting:
        name = waiting.pop()
        if name in bodies and name not in wanted:
            wanted.add(name)
            needs = bodies[name].get("needs")
            waiting += [need for need in needs if isinstance(need, str)] if isinstance(needs, list | tuple) else []
            waiting += [begun] if isinstance(begun := bodies[name].get("init_from"), str) else []
    own = [name for name, body in bodies.items() if body.get("stage", name) == "evaluate"]
    of_entry = next((name for name in own if entry in (bodies[name].get("needs") or ())), "")
    name = of_entry or ("evaluate" if "evaluate" not in bodies or "evaluate" in own else f"evaluate-{entry}")
    test = {**bodies.get(of_entry, {}), "stage": "evaluate", "needs": [entry]}
    return {**{name: body for name, body in stages.items() if name in wanted}, name: test}


def scores_of(steps: Iterable[Step], trial: str) -> dict[Scored, Step]:
    """Return the evaluations of a trial by inner fold and seed."""
    return {
        (str(label["fold"]), int(label["seed"])): step
        for step in steps
        if step.stage == "evaluate"
        for label in step.labels
        if label["variant"].get(TRIAL) == trial
    }


def check_space(base: Plan, document: Document, study: Study) -> None:
    """Check each setting alone beside those of the file: ConfigError where none of its values is one, or changes a key.

    Settings that do not go together are found by the trial that has them.
    """
    fold = study.folds[0]
    for key, dimension in study.space.items():
        place, points, problems = f"tune.space.{study.entry}.{key}", [], []
        for number, value in enumerate([None, *dimension.probes]):
            tried = {key: value} if number else {}
            try:
                points.append(as_trial(trial_point(base, document, study, fold, {}, tried), str(number)))
            except ConfigError as error:
                if not number:
                    raise
                problems.append(error)
        steps, built = build_points(base, points)
        if built and built[0] is not None:
            raise built[0]
        problems += [problem for problem in built if problem is not None]
        if len(problems) == len(dimension.probes):
            raise problems[0]
        made = {
            tuple(step.key for step in scores_of(steps.values(), str(point.matrix[TRIAL])).values())
            for point, problem in zip(points, built, strict=True)
            if problem is None
        }
        if len(made) == 1:
            problem = f"changes nothing of {study.entry}: no value makes another training than the file's"
            raise document.error(place, problem, "name what its model, loss or input is made by")


def as_trial(point: Point, trial: str) -> Point:
    """Return a point that is apart from other trials' by its name."""
    return replace(point, matrix={TRIAL: trial})
