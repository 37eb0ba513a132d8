"""What a distilled model is compared with: the same student on labels alone, or what is most like it."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.plan.runs.baselines import Baseline, baselines_of
from pipeline.plan.runs.record import asked_by, decode, encode, record_of

from ...project import Project


def test_the_same_student_on_labels_alone(project: Project) -> None:
    assert baselines_of(project.plan()) == {"distilled": [Baseline("student")]}


@pytest.mark.parametrize(
    ("setting", "differs"),
    [
        (("stages.student.model.width", 32), ["model.width"]),
        (("stages.distilled.fit.epochs", 2), ["fit.epochs"]),
        (("stages.student.fit", {"epochs": 2, "lr": 0.5}), ["fit.epochs", "fit.lr"]),
    ],
)
def test_what_a_student_that_is_not_the_same_differs_in(
    project: Project, setting: tuple[str, Any], differs: list[str]
) -> None:
    assert baselines_of(project.plan(setting)) == {"distilled": [Baseline("student", differs)]}


def test_how_it_is_taught_makes_no_difference(project: Project) -> None:
    taught = ("stages.distilled.pairing", "class"), ("stages.distilled.teacher_seed", "next"), ("seeds", [0, 1])
    assert baselines_of(project.plan(*taught)) == {"distilled": [Baseline("student")]}


def test_the_loss_and_the_seeds_make_no_difference(project: Project) -> None:
    plan = project.plan(("stages.distilled.loss", "hinton"), ("seeds", [3, 4]))
    assert baselines_of(plan) == {"distilled": [Baseline("student")]}


def test_the_most_alike_and_never_a_teacher(project: Project, small: dict[str, Any]) -> None:
    student = small["stages"]["student"]
    small["stages"]["wide"] = {**student, "model": {"name": "dmft-lite", "width": 32}, "fit": {"epochs": 3}}
    small["stages"]["student"] = {**student, "fit": {"epochs": 3}}
    assert baselines_of(project.write(small).plan()) == {"distilled": [Baseline("student", ["fit.epochs"])]}
    del small["stages"]["student"], small["stages"]["wide"]
    small["stages"]["evaluate"]["needs"] = ["teacher", "distilled"]
    assert baselines_of(project.write(small).plan()) == {}


def test_another_sensor_is_no_baseline(project: Project) -> None:
    assert baselines_of(project.plan(("stages.student.modalities", ["inertial"]))) == {}


def test_what_a_stages_file_holds_a_model_against(project: Project) -> None:
    named = ("compare", {"distilled": ["student", "teacher"], "student": ["teacher"]})
    plan = project.plan(named)
    of_distilled, of_student = baselines_of(plan).values()
    assert [each.entry for each in of_distilled] == ["student", "teacher"]
    assert of_distilled[0] == Baseline("student", [], named=True)
    assert "model.name" in of_distilled[1].differs  # which is said beside the difference
    assert [each.entry for each in of_student] == ["teacher"]
    assert {step.key for step in plan.steps.values()} == {step.key for step in project.plan().steps.values()}


@pytest.mark.parametrize(
    ("compare", "message"),
    [
        ({"distiled": ["student"]}, "compare.distiled: distiled is no model.*did you mean.*distilled"),
        ({"distilled": ["encode"]}, "compare.distilled: encode is no model"),
        ({"distilled": []}, "compare.distilled: must list other models, each once"),
        ({"distilled": ["distilled"]}, "must list other models"),
        ({"distilled": ["student", "student"]}, "each once"),
    ],
)
def test_what_cannot_be_compared(project: Project, compare: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        project.plan(("compare", compare))


@pytest.mark.parametrize(
    "settings", [(), (("stages.student.model.width", 32),), (("compare", {"distilled": ["teacher", "student"]}),)]
)
def test_a_run_remembers_it(project: Project, settings: tuple[tuple[str, Any], ...]) -> None:
    plan = project.plan(*settings)
    record = decode(encode(record_of(plan, asked_by(plan), "", "2026-01-01T00:00:00+00:00")))
    assert record.compared_with == baselines_of(plan)
