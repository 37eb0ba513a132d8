"""``by_fold``: settings that hold for one fold alone, as if `--set` were given for that fold."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.plan.steps.step import Step
from pipeline.report.published import published_of

BY_FOLD: dict[str, dict[str, Any]] = {
    "subject=1": {"stages.teacher.fit.lr": 0.01, "stages.encode.skeleton.centre": "none"},
    "subject=2": {},
    "subject=3": {"stages.encode.skeleton.centre": "frame"},
}


@pytest.fixture
def by_fold(project: Any, small: dict[str, Any]) -> Any:
    """A function that writes the small experiment with three subjects, each left out, and settings by fold."""

    def write(settings: Any, **changes: Any) -> Any:
        source = {"name": "sample", "subjects": 3, "trials": 1}
        return project.write({**small, "source": source, "protocol": "loso", "by_fold": settings, **changes})

    return write


def of_fold(plan: Any, fold: str) -> dict[tuple[str, str], str]:
    """The keys of what is trained and tested for one fold, by entry and model."""
    steps: list[Step] = [step for step in plan.steps.values() if "split" in step.work]
    return {(step.entry, step.axes.get("model", "")): step.key for step in steps if step.labels[0]["fold"] == fold}


def test_each_fold_is_that_of_its_own_settings(by_fold: Any) -> None:
    plan = by_fold(BY_FOLD).plan()
    alone = by_fold({})
    for fold, settings in BY_FOLD.items():
        assert of_fold(plan, fold) == of_fold(alone.plan(*settings.items()), fold)
        assert len(of_fold(plan, fold)) == 6
    assert {id_ for id_, step in plan.steps.items() if step.stage == "encode"} == {
        "encode[skeleton]", "encode[inertial]", "encode[skeleton,subject=2]", "encode[skeleton,subject=3]"
    }  # fmt: skip


def test_results_see_the_folds_of_one_experiment(by_fold: Any) -> None:
    """Labels differ in fold and seed alone, by which results are averaged."""
    changes = {"published": {"by": "somebody", "top1": {"student": [50.0]}}, "compare": {"student": ["teacher"]}}
    plan, alone = by_fold(BY_FOLD, **changes).plan(), by_fold({}).plan()
    assert [*published_of(plan).values()] == [50.0]
    labels = [[label for step in each.steps.values() for label in step.labels] for each in (plan, alone)]
    assert sorted(map(repr, labels[0])) == sorted(map(repr, labels[1]))


def refused(by_fold: Any, settings: Any, **changes: Any) -> str:
    with pytest.raises(ConfigError) as error:
        by_fold(settings, **changes).plan()
    return str(error.value)


def test_a_fold_that_is_not_there_and_one_that_is_not_named_are_told(by_fold: Any) -> None:
    said = refused(by_fold, {**BY_FOLD, "subject=33": {}})
    assert "by_fold.subject=33: no such fold" in said
    assert "did you mean `subject=3`?" in said
    said = refused(by_fold, {fold: BY_FOLD[fold] for fold in ("subject=1", "subject=2")})
    assert "by_fold: does not name fold subject=3" in said
    assert "`subject=3: {}`" in said


@pytest.mark.parametrize("key", ["protocol", "seeds", "source.subjects", "stages", "stages..fit"])
def test_what_is_no_setting_of_a_fold_is_told(by_fold: Any, key: str) -> None:
    said = refused(by_fold, {**BY_FOLD, "subject=2": {key: 1}})
    assert f"by_fold.subject=2.{key}: " in said
    assert "stages.yaml:" in said


def test_a_mistake_is_placed_at_its_fold(by_fold: Any) -> None:
    said = refused(by_fold, {**BY_FOLD, "subject=2": {"stages.teacher.model.widht": 8}})
    line = by_fold(BY_FOLD).file.read_text().splitlines().index("  subject=2: {}") + 1
    assert f"stages.yaml:{line + 1}: by_fold.subject=2.stages.teacher.model.widht: " in said
    assert "did you mean `width`?" in said


def test_a_matrix_does_not_go_with_it(by_fold: Any) -> None:
    assert "by_fold: does not go with a matrix" in refused(by_fold, BY_FOLD, matrix={"fit.lr": [0.1, 0.2]})
