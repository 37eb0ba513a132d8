"""What distilled models are compared with: the same student, trained on labels alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.plan.runs.settings import UNSET, flat
from pipeline.registry import GIVES_MODEL

if TYPE_CHECKING:
    from pipeline.plan.planner import Plan

_OF_TEACHING = ("loss", "pairing")  # what a student on labels alone has none of


class Baseline(msgspec.Struct, frozen=True):
    """An entry that a distilled one is compared with."""

    entry: str
    differs: list[str] = []  # parameters in which the two differ: then a difference says nothing of the teacher
    named: bool = False  # by the stages file's `compare`, which knows what it compares


@dataclass(frozen=True)
class _Trained:
    """What an entry trains."""

    entry: str
    stage: str
    params: Mapping[str, Any]  # by dotted key, without what is of a teacher
    features: Mapping[str, str]

    def differs(self, other: _Trained) -> list[str]:
        """Return the parameters in which it differs from another; none beside training are those of an ensemble."""
        if (self.stage == "ensemble") != (other.stage == "ensemble"):
            return []
        keys = dict.fromkeys([*self.params, *other.params])
        return [key for key in keys if self.params.get(key, UNSET) != other.params.get(key, UNSET)]


def baselines_of(plan: Plan) -> dict[str, list[Baseline]]:
    """Return what entries are compared with: what the stages file's `compare` says, else `own_baselines`."""
    return controls_of(plan) or {entry: [other] for entry, other in own_baselines(plan).items()}


def controls_of(plan: Plan) -> dict[str, list[Baseline]]:
    """Return what entries are held against by the stages file's `compare`, and in what they differ beside teaching."""
    trained = {each.entry: each for each in _trained(plan)}
    named = {entry: others for point in plan.points for entry, others in point.experiment.compare.items()}
    return {
        entry: [Baseline(other, trained[entry].differs(trained[other]), named=True) for other in others]
        for entry, others in named.items()
    }


def own_baselines(plan: Plan) -> dict[str, Baseline]:
    """Return for each distilled entry the one that trains the same on labels alone.

    Where there is none, the one of the same features that is most like it and teaches none, with what it differs in.
    """
    trained = _trained(plan)
    teachers = {plan.steps[need].entry for step in plan.steps.values() if step.stage == "distil" for need in step.needs}
    plain = [each for each in trained if each.stage == "train"]
    found = {}
    for each in trained:
        if each.stage == "distil":
            alike = [Baseline(other.entry, each.differs(other)) for other in plain if other.features == each.features]
            same = [other for other in alike if not other.differs]
            unlike = sorted((o for o in alike if o.entry not in teachers), key=lambda other: len(other.differs))
            if chosen := [*same[-1:], *unlike]:
                found[each.entry] = chosen[0]
    return found


def _trained(plan: Plan) -> list[_Trained]:
    trained: dict[str, _Trained] = {}
    for step in plan.steps.values():
        if step.stage in GIVES_MODEL and step.entry not in trained:
            params = {name: value for name, value in step.recipe["params"].items() if name not in _OF_TEACHING}
            if step.stage == "ensemble":
                params = {
                    "rule": params["model"]["rule"],
                    **{f"weights.{k}": v for k, v in params["model"]["weights"].items()},
                }
            features = {name: plan.steps[step.work["features"][name]].key for name in step.work["inputs"]}
            trained[step.entry] = _Trained(step.entry, step.stage, flat(params), features)
    return [*trained.values()]
