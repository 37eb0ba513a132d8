"""Which teacher a student has, and which recordings it shows: what of it makes other students."""

from __future__ import annotations

from itertools import chain

import pytest

from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan
from pipeline.run.batching import batch_signature

from ..project import Project


def teachers(plan: Plan) -> dict[int, list[int]]:
    """The seeds of each student's teachers, by its own seed."""
    students = [step for step in plan.steps.values() if step.entry == "distilled"]
    return {step.work["seed"]: [plan.steps[each].work["seed"] for each in step.work["teachers"]] for step in students}


def keys(plan: Plan) -> set[str]:
    return {step.key for step in plan.steps.values() if step.entry == "distilled"}


def test_a_teacher_of_the_next_seed(project: Project) -> None:
    seeds = ("seeds", [7, 3, 5])
    same, other = project.plan(seeds), project.plan(seeds, ("stages.distilled.teacher_seed", "next"))
    assert teachers(same) == {7: [7], 3: [3], 5: [5]}
    assert teachers(other) == {7: [3], 3: [5], 5: [7]}
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


BODY = {"stage": "train", "needs": ["encode"], "model": "dmft", "modalities": ["skeleton"], "fit": {"epochs": 1}}
TWO = (
    ("stages.body", BODY),
    ("stages.distilled.needs", ["encode", "teacher", "body"]),
    ("stages.distilled.modalities", ["inertial"]),
)


def test_teachers_of_all_seeds_are_the_same_for_every_student(project: Project) -> None:
    seeds = ("seeds", [7, 3, 5])
    plan = project.plan(seeds, ("stages.distilled.teacher_seed", "all"))
    assert teachers(plan) == {7: [7, 3, 5], 3: [7, 3, 5], 5: [7, 3, 5]}
    assert plan.notes == ["distilled: taught by the mean of teacher, 3 seeds of each"]
    assert len(keys(plan)) == 3
    assert keys(plan).isdisjoint(keys(project.plan(seeds)))


def test_all_of_one_seed_is_that_seed(project: Project) -> None:
    plan = project.plan(("stages.distilled.teacher_seed", "all"))
    assert keys(plan) == keys(project.plan())
    (student,) = [step for step in plan.steps.values() if step.entry == "distilled"]
    (teacher,) = student.work["teachers"]
    assert student.recipe["teacher"] == plan.steps[teacher].key  # as it was before there could be several


def test_several_teachers_are_those_of_the_students_fold(project: Project) -> None:
    plan = project.plan(*TWO, ("seeds", [7, 3]))
    for step in plan.steps.values():
        if step.entry == "distilled":
            told = [plan.steps[each] for each in step.work["teachers"]]
            assert [each.entry for each in told] == ["teacher", "body"]
            assert all(each.work["split"] == step.work["split"] for each in told)
            assert [each.work["seed"] for each in told] == [step.work["seed"]] * 2
            assert step.recipe["teacher"] == [each.key for each in told]
            assert {*step.work["features"]} == {"skeleton", "inertial"}
            assert {each.id for each in told} <= {*step.needs}


def test_one_teacher_under_two_names_is_one(project: Project) -> None:
    other = ("stages.again", project.plan().points[0].experiment.stages["teacher"])
    both = project.plan(other, ("stages.distilled.needs", ["encode", "teacher", "again"]))
    assert keys(both) == keys(project.plan())


def test_a_second_teacher_is_why_a_student_is_not_cached(finished: Project) -> None:
    with_body = ("stages.body", finished.plan().points[0].experiment.stages["teacher"] | BODY)
    said = finished.reasons(with_body, ("stages.distilled.needs", ["encode", "teacher", "body"]))
    students = {id_: reasons for id_, reasons in said.items() if id_.startswith("distilled[")}
    assert students
    for id_, reasons in students.items():
        assert reasons == [f"input {id_.replace('distilled', 'body')} changed"]


def test_students_of_several_teachers_are_trained_together_where_all_of_these_can_be(project: Project) -> None:
    seeds = ("seeds", [7, 3])
    plan = project.plan(*TWO, seeds)
    students = [step for step in plan.steps.values() if step.entry == "distilled"]
    assert len(students) == 2
    assert len({batch_signature(plan, step) for step in students} - {None}) == 1
    alone = project.plan(*TWO, seeds, ("stages.body", BODY | {"model": "trn"}))
    assert {batch_signature(alone, step) for step in alone.steps.values() if step.entry == "distilled"} == {None}
    shared = project.plan(seeds, ("stages.teacher", BODY | {"model": "trn"}), ("stages.distilled.teacher_seed", "all"))
    taught = [step for step in shared.steps.values() if step.entry == "distilled"]
    assert {batch_signature(shared, step) for step in taught} == {None}


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


def test_several_teachers_have_no_feature_maps_to_compare(project: Project) -> None:
    with pytest.raises(ConfigError, match=r"distilled\.loss: attention compares feature maps, which several teachers"):
        project.plan(*TWO, ("stages.distilled.loss", "attention"))
