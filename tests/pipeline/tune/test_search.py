"""A search goes on where it stopped, trains nothing twice, and never ends worse than it began."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from store import Store
from store.maintenance.references import encode_ref, parse_ref

from .conftest import FILE, Tuned, trained


def test_the_first_trial_is_the_file_as_it_is_and_the_best_is_no_worse(searched: Tuned) -> None:
    (fold,) = searched.trail()["folds"]
    first, best = fold["trials"][0], fold["trials"][fold["best"]]
    assert first["settings"] == {}
    assert best["value"] == max(trial["value"] for trial in fold["trials"])
    assert fold["best"] == min(trial["number"] for trial in fold["trials"] if trial["value"] == best["value"])


def test_values_are_those_of_the_evaluations_on_training_subjects(searched: Tuned) -> None:
    """Of subjects 1, 3 and 5, who train, each is left out once; 2, 4 and 6, who test, are nowhere."""
    (fold,) = searched.trail()["folds"]
    assert fold["by"] == "subject"
    assert fold["inner"] == {"1": ["1"], "3": ["3"], "5": ["5"]}
    for trial in fold["trials"]:
        by_fold = []
        for score in trial["scores"]:
            output = searched.store / "outputs" / "evaluate" / score["key"]
            (lines,) = output.glob("*/predictions.jsonl")
            predicted = [json.loads(line) for line in lines.read_text().splitlines()]
            assert {each["subject"] for each in predicted} == {score["fold"].removeprefix("fold=")}
            right = [each["label"] == each["predicted"] for each in predicted]
            assert score["top1"] == pytest.approx(100 * sum(right) / len(right))
            by_fold.append(score["top1"])
        assert len(by_fold) == 3
        assert trial["value"] == pytest.approx(sum(by_fold) / 3)


def test_run_again_it_trains_nothing_and_says_the_same(searched: Tuned, tmp_path: Path) -> None:
    again = searched.copy(tmp_path / "copy")
    before = [(again.folder / name).read_bytes() for name in ("stages.tune.json", "stages.tune.csv")]
    assert trained(again.tune()) == []
    assert [(again.folder / name).read_bytes() for name in ("stages.tune.json", "stages.tune.csv")] == before


def test_more_trials_are_added_to_those_that_are_there(searched: Tuned, tmp_path: Path) -> None:
    """A longer search is the same, whether it was one from the beginning or not; its last batch may have been cut."""
    grown, at_once = searched.copy(tmp_path / "grown"), Tuned(tmp_path / "at-once").text(FILE)
    grown.tune("--trials", "5")
    said = grown.tune("--trials", "6")
    at_once.tune("--set", "tune.trials=6")
    assert grown.outcome() == at_once.outcome()
    assert grown.outcome()[:4] == searched.outcome()
    assert {step.partition(",")[0] for step in trained(said)} <= {"teacher[trial=5", "evaluate[teacher"}


def test_what_the_found_file_says_is_what_was_found(searched: Tuned, tmp_path: Path) -> None:
    """It runs as it is, its trainings are those of the settings, and what people wrote is in it."""
    project = searched.copy(tmp_path / "copy")
    text = (project.folder / "stages.tuned.yaml").read_text()
    (fold,) = project.trail()["folds"]
    best = fold["trials"][fold["best"]]
    assert text.startswith("# found by `pipeline tune` from stages.yaml")
    assert f"trial {fold['best']} of 4, {best['value']:.2f}" in text
    assert "# wrist sensors" in text
    assert "# it teaches" in text
    from pipeline.plan.planner import make_plan

    plan, wanted = make_plan(project.folder / "stages.tuned.yaml", []), project.plan(*best["settings"].items())
    assert [step.key for step in plan.steps.values()] == [step.key for step in wanted.steps.values()]
    project.command("run", "--jobs", "1", "-f", "stages.tuned.yaml")
    (row, *_) = json.loads(project.command("results", "--json", "-f", "stages.tuned.yaml").stdout)
    assert (row["model"], row["folds"]) == ("teacher", 1)


def test_the_trail_as_a_table(searched: Tuned) -> None:
    with (searched.folder / "stages.tune.csv").open() as file:
        lines = list(csv.DictReader(file))
    trials = searched.outcome()
    assert [float(line["value"]) for line in lines] == [trial["value"] for trial in trials]
    assert [line["stages.teacher.model.width"] for line in lines[1:]] == [
        str(trial["settings"]["stages.teacher.model.width"]) for trial in trials[1:]
    ]


def test_settings_that_cannot_be_and_trainings_that_diverge_are_failed_trials(searching: Callable[..., Tuned]) -> None:
    """The search goes on, says why, and does not try again what would fail again."""
    text = FILE.replace(
        "model: {name: cnn1d, width: 8}", "model: {name: dmft-lite, layers: 1}, fit: {clip: 0, batch: 8}"
    )
    text = text.replace("width: [4, 8, 16]", "width: [16, 18, 24]").replace(
        "{low: 1e-3, high: 1e-1, log: true}", "[1e-3, 1e9]"
    )
    project = searching("fails", text)
    project.tune("--trials", "8")
    trials = project.outcome()
    failed = {trial["reason"] for trial in trials if trial["state"] == "failed"}
    assert any("does not divide the width 18" in reason for reason in failed)
    assert any("is not finite" in reason for reason in failed)
    assert [trial["state"] for trial in trials].count("complete") >= 2
    assert project.trail()["folds"][0]["best"] is not None
    assert trained(project.tune("--trials", "8")) == []
    assert project.outcome() == trials


def test_a_file_that_fails_itself_is_no_search(searching: Callable[..., Tuned]) -> None:
    text = FILE.replace("{name: cnn1d, width: 8}}", "{name: dmft-lite, layers: 1}, fit: {clip: 0, lr: 1e9, batch: 8}}")
    text = text.replace("[4, 8, 16]", "[16, 24]").replace("lr: {low: 1e-3, high: 1e-1, log: true}", "warmup: [0, 1]")
    said = searching("fails", text).tune(code=1)
    assert "error: teacher: trial 0, the settings of the stages file, failed: training: the loss is not finite" in said


def test_the_hours_are_those_of_the_trials_whoever_made_them(searched: Tuned, tmp_path: Path) -> None:
    """A budget that the first batch has used up leaves it at that, also when all of it is cached."""
    project = searched.copy(tmp_path / "copy")
    said = project.tune("--set", "tune.trials=null", "--hours", "0.00001")
    assert trained(said) == []
    assert project.outcome() == searched.outcome()[:2]


def test_a_dry_run_says_what_remains_and_writes_nothing(searched: Tuned, tmp_path: Path) -> None:
    project = searched.copy(tmp_path / "copy")
    before = sorted((path, path.stat().st_mtime_ns) for path in project.folder.rglob("*"))
    done = project.command("tune", "--dry-run")
    more = project.command("tune", "--dry-run", "--trials", "9")
    assert sorted((path, path.stat().st_mtime_ns) for path in project.folder.rglob("*")) == before
    assert done.stdout == "teacher: 4 of 4 trials are there, and nothing remains\n"
    assert more.stdout == "teacher: 4 of 9 trials are there; the next batch needs 6 trainings\n"


def test_cleaning_keeps_a_search_for_good(searched: Tuned, tmp_path: Path) -> None:
    """Also long after: all trials are made from what the trail in the store names."""
    project = searched.copy(tmp_path / "copy")
    project.tune()  # the copy's own reference
    store = Store.open(str(project.store))
    assert "trial=" not in "".join(map(str, store.refs().values()))  # each plan reads these: the trail names trials
    for name, content in store.refs().items():
        reference = parse_ref(content)
        aged = [{**use, "since": "2020-01-01T00:00:00+00:00"} for use in reference["uses"]]
        store.write_ref(name, encode_ref({**reference, "uses": aged}))
        if not any(step.startswith("tune[") for step in reference["steps"]):
            store.delete_ref(name)
    trainings = project.trainings()
    os.utime(project.store)
    project.command("gc", "--yes", "--grace", "0s")
    assert project.trainings() == trainings
    assert trained(project.tune()) == []
    project.command("verify", "--all")
    assert "tune" in project.command("store", "ls").stdout


def test_a_colleague_goes_on_from_what_was_pushed(searched: Tuned, tmp_path: Path) -> None:
    """Evaluations are enough: nothing is trained, and no model is fetched."""
    project, remote = searched.copy(tmp_path / "copy"), tmp_path / "remote"
    project.tune("--push", "--set", f"remote={remote}")
    other = Tuned(tmp_path / "other").text(project.file.read_text())
    said = other.tune("--set", f"remote={remote}")
    assert [step for step in trained(said) if step.startswith(("teacher", "evaluate"))] == []
    assert other.trainings() == set()
    assert other.outcome() == searched.outcome()


def test_without_optuna_one_line_says_what_to_install(searched: Tuned, tmp_path: Path) -> None:
    (tmp_path / "optuna.py").write_text("raise ImportError")
    done = searched.command("tune", code=2, PYTHONPATH=f"{tmp_path}:{searched.code}")
    assert done.stderr == "error: `pipeline tune` needs optuna\n  pip install 'harvest-har[tune]'\n"


def test_a_shorter_look_lets_go_of_nothing(searched: Tuned, tmp_path: Path) -> None:
    """What `--trials 2` shows is the beginning of what was searched, which stays the experiment's."""
    project = searched.copy(tmp_path / "copy")
    project.tune()
    (kept,) = _kept(project)
    project.tune("--trials", "2")
    assert _kept(project) == {kept}
    assert len(project.outcome()) == 2


def _kept(project: Tuned) -> set[str]:
    """The keys of trails that this experiment's reference names as its own."""
    references = [parse_ref(content) for content in Store.open(str(project.store)).refs().values()]
    own = [reference for reference in references if reference["path"] == str(project.file)]
    return {step["key"] for reference in own for id_, step in reference["steps"].items() if id_ == "tune[teacher]"}
