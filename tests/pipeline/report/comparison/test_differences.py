"""What one model has more than another, of predictions that are made up: their figures are closed forms."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.plan.runs.baselines import Baseline, baselines_of
from pipeline.report.comparison.differences import Difference, differences_of
from pipeline.report.comparison.text import difference_lines, gain_lines, unpaired_lines
from pipeline.report.results import Row, evaluations_of, result_rows
from pipeline.report.student_t import mean_interval

from ...project import Project

# How many recordings of each subject are right with seeds 0, 1 and 2.
RIGHT = {
    "plain": {"1": (8, 8, 8), "2": (6, 6, 6), "3": (4, 4, 4)},
    "taught": {"1": (10, 10, 10), "2": (7, 7, 7), "3": (7, 7, 7)},
    "smooth": {"1": (9, 10, 11), "2": (7, 7, 7), "3": (7, 6, 8)},
}
TESTED = 20  # of each subject


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Project:
    """Leave one subject out, three seeds; the evaluations are made up, nothing is trained."""
    model = {"stage": "train", "needs": ["encode"], "model": "dmft-lite"}
    values: dict[str, Any] = {
        "source": {"name": "sample", "subjects": 3, "trials": 4},
        "modalities": ["skeleton", "inertial"],
        "protocol": "loso",
        "seeds": [0, 1, 2],
        "compare": {"taught": ["plain", "smooth"]},
        "stages": {"encode": {}},
    }
    for at, name in enumerate(RIGHT):
        values["stages"][name] = {**model, "fit": {"epochs": 1 + at}}
    values["stages"]["evaluate"] = {"needs": [*RIGHT]}
    project = Project(tmp_path_factory.mktemp("compared")).write(values)
    project.run(until="index")
    plan = project.plan()
    for step in plan.steps.values():
        if step.stage == "evaluate":
            classes, (label,) = step.work["classes"], step.labels
            tested = [r for r in plan.table.listing.recordings if label["fold"].endswith(r.subject)][:TESTED]
            right = RIGHT[label["model"]][tested[0].subject][label["seed"]]
            lines = []
            for i, recording in enumerate(tested):
                wrong = classes[(classes.index(recording.action) + 1) % len(classes)]
                predicted = recording.action if i < right else wrong
                line = {"recording": recording.id, "subject": recording.subject, "label": recording.action}
                lines.append(json.dumps({**line, "predicted": predicted, "probability": 0.5}))
            metrics = {"top1": right / len(tested), "macro_f1": 0.25, "vskd_f1": 0.5, "per_modality": {}}
            with plan.store.draft("evaluate", step.key, recipe=step.recipe, inputs=[]) as draft:
                draft.write("metrics.json", json.dumps(metrics).encode())
                draft.write("predictions.jsonl", "\n".join([*lines, ""]).encode())
                draft.publish({})
    return project


def top1(project: Project) -> list[Difference]:
    plan = project.plan()
    found = differences_of(plan.store, evaluations_of(plan), result_rows(plan), baselines_of(plan))
    return [each for each in found if each.row.metric == "top1"]


def test_of_subjects_that_seeds_do_not_change_it_is_students_over_them(made: Project) -> None:
    difference, _ = top1(made)
    gaps = [100 * (RIGHT["taught"][each][0] - RIGHT["plain"][each][0]) / TESTED for each in "123"]
    expected = mean_interval(gaps, 1 - 0.05 / 2)  # two are compared, so that both hold at once
    assert difference.interval is not None
    assert (difference.mean, *difference.interval) == pytest.approx(expected)
    assert (difference.subjects, difference.n, difference.at_once) == (3, 3, 2)
    assert (difference.differing, difference.recordings) == (2 + 1 + 3, 3 * TESTED)


def test_the_best_control_is_the_one_that_leaves_least(made: Project) -> None:
    plain, smooth = top1(made)
    assert (plain.best, smooth.best) == (False, True)
    assert smooth.mean == pytest.approx(0)  # over seeds and subjects it is as good
    assert smooth.differing == pytest.approx((1 + 1 + 2) / 3)  # though it answers otherwise


def test_results_say_it_in_a_line_each(made: Project) -> None:
    lines = made.command("results").stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("differences in points"))
    assert "wide enough for all 2 at once" in lines[at]
    assert lines[at + 1].startswith("  taught minus plain: top-1 +10.00 (")
    assert "; 3 subjects, 3 seeds; 6 of 60 answers differ" in lines[at + 1]
    assert lines[at + 2].startswith("  taught minus smooth, its best control: top-1 +0.00 (")
    assert lines[at + 2].endswith("1.333 of 60 answers differ; not alike in fit.epochs")


def test_where_nothing_varies_there_is_no_interval(made: Project) -> None:
    alike = ("--set", "compare={plain: [smooth]}", "--set", "modalities=[skeleton, inertial]")
    text = made.command("results", *alike).stdout
    assert "plain minus smooth: top-1 -10.00 (" in text
    plan = made.plan()
    rows = [row for row in result_rows(plan) if row.model == "plain"]
    other = [replace(row, model="same") for row in rows]
    evaluations = [each for each in evaluations_of(plan) if each.label["model"] == "plain"]
    copied = [each._replace(label={**each.label, "model": "same"}) for each in evaluations]
    found = differences_of(plan.store, [*evaluations, *copied], [*rows, *other], {"plain": [Baseline("same")]})
    assert [(each.mean, each.interval) for each in found] == [(0, None), (0, None)]
    assert "top-1 +0.00 (the same in all: no interval)" in difference_lines(found, rows)[1]


def test_answers_are_read_once(made: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    copy = made.copy(tmp_path / "copy")
    first = copy.command("results").stdout
    for file in copy.store.rglob("predictions.jsonl"):
        file.write_text("")
    assert copy.command("results").stdout == first
    (kept, *_) = (tmp_path / "cache" / "compared").iterdir()
    kept.write_bytes(b"damaged")
    assert "predictions.jsonl" in copy.command("results", code=1).stderr  # so that it is read again


def test_one_comparison_is_corrected_for_nothing(made: Project) -> None:
    (line,) = made.command("results", "--set", "compare={taught: [plain]}").stdout.split("differences")[1:]
    assert "at once" not in line
    assert "control" not in line


def figure(model: str, *seeds: int, metric: str = "top1", **place: Any) -> Row:
    values = tuple(50.0 + seed for seed in seeds)
    return Row(model, "sample", "loso", place.get("modalities", ("inertial",)), metric, values, seeds, 1)


def test_no_difference_is_minus_nothing() -> None:
    row = figure("distilled", 0, 1)
    _, line = difference_lines([Difference(row, "student", -0.001, (-1.0, 0.004), 2)], [row])
    assert "top-1 +0.00 (-1.00 to +0.00)" in line
    assert "1 subject, 2 seeds" in line


def why_not(rows: list[Row], *differs: str) -> list[str]:
    return unpaired_lines(rows, {"distilled": [Baseline("student", [*differs])]}, rows)


def test_why_there_is_no_difference_is_said_once() -> None:
    rows = [figure(model, 0, 1, metric=metric) for model in ("student", "distilled") for metric in ("top1", "macro_f1")]
    expected = ["distilled and student differ in model.width, fit.lr: no difference is shown"]
    assert why_not(rows, "model.width", "fit.lr") == expected
    (line,) = why_not(rows, *(f"fit.{number}" for number in range(9)))
    assert "and 6 more" in line


def test_a_difference_takes_two_seeds_in_common() -> None:
    (line,) = why_not([figure("student", 0), figure("distilled", 0)])
    assert line == "distilled and student have one seed in common: no difference is shown, which takes two"
    (line,) = why_not([figure("student", 0, 1), figure("distilled", 2, 3)])
    assert "no seed in common" in line
    assert why_not([figure("student", 0, 1), figure("distilled", 0, 1, 2)]) == []


def test_nothing_is_said_of_what_has_no_figures() -> None:
    assert why_not([figure("distilled", 0, 1)], "model.width") == []


def test_a_control_may_see_another_sensor_where_there_is_one_of_its_name(made: Project) -> None:
    plan = made.plan()
    rows = [figure("distilled", 0), figure("student", 0, modalities=("skeleton",))]
    (line,) = gain_lines(plan.store, [], rows, {"distilled": [Baseline("student")]}, rows)
    assert "one seed in common" in line
    rows.append(figure("student", 0, modalities=("skeleton", "inertial")))
    assert gain_lines(plan.store, [], rows, {"distilled": [Baseline("student")]}, rows) == []
