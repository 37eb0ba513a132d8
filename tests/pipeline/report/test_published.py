"""Published figures beside measured ones, in every form of results."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.report.published import published_of

from ..project import Project

FIGURES = {"by": "A paper, Table 5", "top1": {"student": 90.5}}


@pytest.fixture
def told(project: Project) -> Project:
    """An evaluated student, of which something was published."""
    plan = project.plan(("stages.evaluate.needs", ["student"]))
    for step in plan.steps.values():
        if step.stage == "evaluate":
            metrics = {"top1": 0.75, "macro_f1": 0.5, "vskd_f1": 0.5, "per_modality": {}}
            with plan.store.draft("evaluate", step.key, recipe=step.recipe, inputs=[]) as draft:
                draft.write("metrics.json", json.dumps(metrics).encode())
                draft.publish({})
    return project


def results(project: Project, *options: str, published: Any = FIGURES) -> str:
    settings = ("--set", "stages.evaluate.needs=[student]", "--set", f"published={json.dumps(published)}")
    return project.command("results", *settings, *options).stdout


def test_a_column_and_where_they_stand(told: Project) -> None:
    header, _, line, *rest = results(told).splitlines()[2:]
    assert header.split("  ")[-3:] == ["macro F1 %", "published top-1 %", "seeds"]
    assert line.split()[-3:] == ["50.00", "90.50", "1"]
    assert "published: A paper, Table 5" in rest


def test_markdown(told: Project) -> None:
    text = results(told, "--format", "markdown")
    assert "| model | modalities | top-1 % | macro F1 % | published top-1 % | seeds |" in text
    assert "| --- | --- | ---: | ---: | ---: | ---: |" in text
    assert "| student | skeleton+inertial | 75.00 | 50.00 | 90.50 | 1 |" in text
    assert "- published: A paper, Table 5" in text


def test_json_and_csv(told: Project) -> None:
    top1, other = json.loads(results(told, "--json"))
    assert top1["published"] == 90.5
    assert "published" not in other
    first, *lines = results(told, "--format", "csv").splitlines()
    assert first.endswith(",published")
    assert [line.rpartition(",")[2] for line in lines] == ["90.5", ""]


def test_without_any_nothing_is_said(told: Project) -> None:
    assert "published" not in results(told, published={})


def test_a_matrix_has_one_for_each_point(project: Project) -> None:
    width = "stages.student.model.width"
    matrix = ("matrix", {width: [16, 32]})
    plan = project.plan(matrix, ("published", {"top1": {"student": [80.0, 81.5]}}))
    variants = {json.loads(place)["variant"][width]: figure for (place, _), figure in published_of(plan).items()}
    assert variants == {16: 80.0, 32: 81.5}
    with pytest.raises(ConfigError, match="has 1 figures, and the matrix 2 points"):
        project.plan(matrix, ("published", {"top1": {"student": [80.0]}}))


@pytest.mark.parametrize(
    ("published", "message"),
    [
        ({"top1": {"studnet": 9}}, "published.top1.studnet: is no model.*did you mean.*student"),
        ({"top1": {"encode": 9}}, "published.top1.encode: is no model"),
        ({"top_1": {}}, "published.top_1"),
    ],
)
def test_mistakes(project: Project, published: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        project.plan(("published", published))
