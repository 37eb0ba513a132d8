"""Which teacher a student has, and which recordings it shows: what of it makes other students."""

from __future__ import annotations

from itertools import chain

import pytest

from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan

from ..project import Project


def teachers(plan: Plan) -> dict[int, int]:
    """The seed of each student's teacher, by its own seed."""
    students = [step for step in plan.steps.values() if step.entry == "distilled"]
    return {step.work["seed"]: plan.steps[step.work["teacher"]].work["seed"] for step in students}


def keys(plan: Plan) -> set[str]:
    return {step.key for step in plan.steps.values() if step.entry == "distilled"}


def test_a_teacher_of_the_next_seed(project: Project) -> None:
    seeds = ("seeds", [7, 3, 5])
    same, other = project.plan(seeds), project.plan(seeds, ("stages.distilled.teacher_seed", "next"))
    assert teachers(same) == {7: 7, 3: 3, 5: 5}
    assert teachers(other) == {7: 3, 3: 5, 5: 7}
    assert keys(same).isdisjoint(keys(other))


def test_one_seed_has_no_next(project: Project) -> None:
    with pytest.raises(ConfigError, match=r"stages\.distilled\.teacher_seed: there is one seed, and no next"):
        project.plan(("stages.distilled.teacher_seed", "next"))


def test_a_wrong_pairing_makes_another_student_and_the_right_one_written_out_does_not(project: Project) -> None:
    plain = keys(project.plan())
    assert keys(project.plan(("stages.distilled.pairing", "recording"))) == plain
    wrong = [keys(project.plan(("stages.distilled.pairing", each))) for each in ("copy", "class", "other-class")]
    assert len(plain.union(*wrong)) == 4


def test_a_joint_hard_loss_has_no_comparable_streams(project: Project) -> None:
    joint = ("stages.distilled.fit.loss", "joint")
    with pytest.raises(ConfigError, match=r"distilled\.loss\.comparable: fit\.loss: joint is one term"):
        project.plan(joint)
    project.plan(joint, ("stages.distilled.loss", {"name": "dmft-kd", "comparable": False}))


def test_what_is_off_is_in_no_key(project: Project) -> None:
    """Parameters that came later: outputs of before stay what they are."""
    off = [("stages.distilled.augment.mixup", 0.0), ("stages.distilled.loss", {"name": "dmft-kd", "select": "all"})]
    assert keys(project.plan(*off)) == keys(project.plan())
    assert keys(project.plan(("stages.distilled.augment.mixup", 0.2))).isdisjoint(keys(project.plan()))
    soft = [{"name": "hinton"}, {"name": "hinton", "standardise": False, "select": "all"}]
    assert len({*chain(*(keys(project.plan(("stages.distilled.loss", each))) for each in soft))}) == 1


def test_a_mixture_has_no_wrong_pairing(project: Project) -> None:
    mixed = ("stages.distilled.augment", {"mixup": 0.2})
    with pytest.raises(ConfigError, match=r"distilled\.pairing: a teacher sees the student's mixture"):
        project.plan(mixed, ("stages.distilled.pairing", "copy"))
