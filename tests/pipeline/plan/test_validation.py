"""What an entry sets apart for validation: in keys and jobs, never of the test side, the same for all of a fold."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan
from pipeline.plan.steps.fold_notes import check_validation
from pipeline.plan.steps.split import Split
from pipeline.run.batching import batch_signature
from pipeline.run.jobs import make_job

FIT = "stages.student.fit.validation"
EXPERIMENT: dict[str, Any] = {
    "source": {"name": "sample", "subjects": 8, "trials": 2},
    "modalities": ["inertial"],
    "protocol": "loso",
    "seeds": [0, 1],
    "stages": {
        "encode": {},
        "teacher": {"stage": "train", "needs": ["encode"], "model": "dmft-lite"},
        "student": {"stage": "distil", "needs": ["encode", "teacher"], "model": "dmft-lite", "loss": "hinton"},
        "evaluate": {"needs": ["student"]},
    },
}


@pytest.fixture
def experiment(project: Any) -> Any:
    return project.write(EXPERIMENT)


def jobs(plan: Plan) -> dict[str, dict[str, Any]]:
    """Return what each training is told, by step."""
    return {
        id_: dict(make_job(plan, step, "cpu").work)
        for id_, step in plan.steps.items()
        if step.stage in ("train", "distil")
    }


def keys(plan: Plan) -> dict[str, str]:
    return {id_: step.key for id_, step in plan.steps.items()}


def test_what_is_set_apart_is_of_other_subjects_and_never_tested(experiment: Any) -> None:
    plan = experiment.plan(("fit.validation", 0.3))
    subjects = [recording.subject for recording in plan.table.listing.recordings]
    by_fold: dict[str, list[Any]] = {}
    for id_, work in jobs(plan).items():
        sides = [{subjects[row] for row, _ in work[part]} for part in ("train", "validation", "test")]
        assert [len(side) for side in sides] == [5, 2, 1]
        assert len(set.union(*sides)) == 8
        assert sum(len(work[part]) for part in ("train", "validation", "test")) == len(subjects)
        by_fold.setdefault(plan.steps[id_].axes["subject"], []).append(work["validation"])
    assert all(each == found[0] for found in by_fold.values() for each in found)


def test_recordings_are_where_the_test_has_known_subjects(experiment: Any) -> None:
    plan = experiment.plan(("protocol", "trial"), ("fit.validation", 0.5))
    recordings = plan.table.listing.recordings
    for work in jobs(plan).values():
        train, apart, test = ([recordings[row] for row, _ in work[part]] for part in ("train", "validation", "test"))
        assert {r.subject for r in train} == {r.subject for r in test}
        assert {r.action for r in train} == {r.action for r in apart}
        assert len(apart) == len(train)


def test_left_out_and_off_are_the_same_as_before(experiment: Any) -> None:
    plan = experiment.plan()
    assert keys(plan) == keys(experiment.plan(("fit", {"validation": 0, "patience": 0})))
    for id_, work in jobs(plan).items():
        recipe = plan.steps[id_].recipe
        assert "validation" not in recipe
        assert {"validation", "patience"}.isdisjoint(recipe["params"]["fit"])
        assert not work["validation"]
        assert len(work["train"]) == recipe["train"]["recordings"]


def test_keys_name_what_is_set_apart(experiment: Any) -> None:
    plan = experiment.plan(("fit", {"validation": 0.3, "patience": 4}))
    step = plan.steps["teacher[subject=1,seed=0]"]
    assert step.recipe["train"] == experiment.plan().steps[step.id].recipe["train"]
    assert step.recipe["validation"]["recordings"] == step.recipe["train"]["recordings"] * 2 // 7
    changed = keys(experiment.plan(("fit", {"validation": 0.3, "patience": 5})))
    assert {id_.partition("[")[0] for id_, key in keys(plan).items() if changed[id_] != key} == {
        "teacher", "student", "evaluate",
    }  # fmt: skip


def test_folds_and_seeds_are_still_trained_together(experiment: Any) -> None:
    plan = experiment.plan(("fit.validation", 0.3))
    steps = [step for step in plan.steps.values() if step.stage == "train"]
    assert len({batch_signature(plan, step) for step in steps}) == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ([(FIT, 0.3)], f"{FIT}: sets 0.3 apart, and the teacher teacher 0\n  give both the same"),
        ([("fit.validation", 0.3), (FIT, 0.6)], "sets 0.6 apart, and the teacher teacher 0.3"),
        (
            [("stages.student.fit.patience", 3)],
            "patience: watches recordings set apart, and none are\n  add validation",
        ),
        ([("fit.patience", 3)], "patience: watches recordings set apart, and none are\n  add validation: 0.25"),
        ([("fit.validation", 1)], "fit.validation: expected a number < 1.0"),
        (
            [("source.subjects", 2), ("fit.validation", 0.3)],
            "fit.validation: fold subject=1: a subject must be set apart",
        ),
    ],
)
def test_a_mistake_names_the_key_and_the_remedy(experiment: Any, settings: Any, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        experiment.plan(*settings)
    assert said in str(error.value)


def test_a_student_may_train_on_what_validated_its_teacher(experiment: Any) -> None:
    assert experiment.plan(("stages.teacher.fit.validation", 0.3)).steps


class Place:
    """A point of a matrix whose errors say where they are."""

    source = SimpleNamespace(classes=("wave", "push", "squat"))
    document = SimpleNamespace(error=lambda *parts: ConfigError(" | ".join(parts)))


def check(actions: Sequence[int]) -> list[str]:
    """Set half of two subjects apart, each of whom does these actions in turn."""
    half = len(actions) // 2
    trials: Any = [SimpleNamespace(id=f"r{i}", subject=str(i // half), action=str(a)) for i, a in enumerate(actions)]
    rows = range(len(actions))
    split = Split("subject=9", trials, rows, [], actions, frozenset(actions), None)  # type: ignore[arg-type]
    entry = SimpleNamespace(body={}, dotted_key="stages.student")
    return check_validation(Place(), entry, split, 0.5, [])  # type: ignore[arg-type]


def test_a_class_that_only_validates_is_told() -> None:
    told = [*check([0, 1, 2, 0, 1, 1]), *check([0, 1, 1, 0, 1, 2])]
    assert told == ["validation: leaves no recording of squat to train on"]


def test_one_class_is_too_few_to_train_on() -> None:
    both = [[0, 0, 1, 2], [1, 2, 0, 0]]
    with pytest.raises(
        ConfigError, match=r"fit.validation \| leaves one class to train on in fold subject=9 \| set less apart"
    ):
        [check(actions) for actions in both]
