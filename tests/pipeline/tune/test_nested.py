"""One search a fold, and one model after another: what tests a model has no part in choosing it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.plan.planner import make_plan

from .conftest import FILE, Tuned

NESTED = (
    FILE.replace("subjects: 6", "subjects: 3").replace("subject-50-50", "loso").replace("trials: 4", "trials: 2")
    + "    student: {stages.student.loss.temperature: [1, 4], stages.student.fit.batch: [8, 16]}\n"
)
FOLDS = ("subject=1", "subject=2", "subject=3")


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Tuned:
    project = Tuned(tmp_path_factory.mktemp("nested") / "project").text(NESTED)
    project.tune()
    return project


def found(project: Tuned, entry: str) -> dict[str, dict[str, Any]]:
    """The best settings of an entry, by fold."""
    return {fold["fold"]: fold["trials"][fold["best"]]["settings"] for fold in project.trail(entry)["folds"]}


def test_each_fold_has_a_search_without_whom_it_tests(nested: Tuned) -> None:
    """Of the outputs that a fold's values are read from, and of the models in these, none has seen its subject."""
    for entry in ("teacher", "student"):
        folds = nested.trail(entry)["folds"]
        assert [fold["fold"] for fold in folds] == [*FOLDS]
        for fold in folds:
            others = sorted({"1", "2", "3"} - {fold["fold"].removeprefix("subject=")})
            assert fold["inner"] == {other: [other] for other in others}
            assert len(fold["trials"]) == 2
            for score in (score for trial in fold["trials"] for score in trial["scores"]):
                (lines,) = (nested.store / "outputs" / "evaluate" / score["key"]).glob("*/predictions.jsonl")
                tested = {json.loads(line)["subject"] for line in lines.read_text().splitlines()}
                assert tested == {score["fold"].removeprefix("fold=")} <= {*others}
                recipe = json.loads((lines.parents[1] / "manifest.json").read_text())["recipe"]
                model = nested.store / "outputs" / ("train" if entry == "teacher" else "distil") / recipe["model"]
                trained = json.loads((model / "manifest.json").read_text())["recipe"]["train"]
                assert trained["recordings"] == 8  # of the one other subject


def test_the_found_file_has_each_fold_by_itself_and_is_averaged(nested: Tuned) -> None:
    """Each fold's steps are those of its own settings, teacher and student together."""
    path = nested.folder / "stages.tuned.yaml"
    plan = make_plan(path, [])
    teacher, student = found(nested, "teacher"), found(nested, "student")
    for fold in FOLDS:
        wanted = nested.plan(*{**teacher[fold], **student[fold]}.items())
        for entry in ("teacher", "student", "evaluate"):
            keys = [
                {step.key for step in each.steps.values() if step.entry == entry and step.labels[0]["fold"] == fold}
                for each in (plan, wanted)
            ]
            assert keys[0] == keys[1] != set()
    nested.command("run", "--jobs", "1", "-f", path.name)
    rows = json.loads(nested.command("results", "--json", "--by", "fold", "-f", path.name).stdout)
    top1 = {row["model"]: row for row in rows if row["metric"] == "top1"}
    assert {model: row["folds"] for model, row in top1.items()} == {"teacher": 3, "student": 3}
    for row in top1.values():
        assert row["mean"] == pytest.approx(sum(fold["mean"] for fold in row["by_fold"]) / 3)


def test_a_student_is_searched_with_the_teacher_that_was_found(nested: Tuned) -> None:
    """Its teachers are the very models of the teacher's best trials, on the same inner folds."""
    for fold in nested.trail("student")["folds"]:
        (of_teacher,) = (each for each in nested.trail("teacher")["folds"] if each["fold"] == fold["fold"])
        best = of_teacher["trials"][of_teacher["best"]]
        teachers = {score["fold"]: _recipe(nested, "evaluate", score["key"])["model"] for score in best["scores"]}
        for score in (score for trial in fold["trials"] for score in trial["scores"]):
            student = _recipe(nested, "evaluate", score["key"])["model"]
            assert _recipe(nested, "distil", student)["teacher"] == teachers[score["fold"]]


def _recipe(project: Tuned, stage: str, key: str) -> dict[str, Any]:
    manifest = project.store / "outputs" / stage / key / "manifest.json"
    return dict(json.loads(manifest.read_text())["recipe"])


def test_one_entry_can_be_searched_alone(nested: Tuned, tmp_path: Path) -> None:
    project = nested.copy(tmp_path / "copy")
    project.tune("teacher", "-o", "alone.yaml")
    assert [trail["entry"] for trail in json.loads((project.folder / "alone.tune.json").read_text())] == ["teacher"]
    assert len(json.loads((project.folder / "stages.tune.json").read_text())) == 2
