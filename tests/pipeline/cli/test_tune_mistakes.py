"""Mistakes in ``tune:`` and its options: found before anything is trained, with file, line, key and remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("optuna", reason="needs optuna: pip install 'harvest-har[tune]'")

FILE = """\
source: {name: sample, subjects: 6, trials: 1, streams: [inertial]}
modalities: [inertial]
protocol: subject-50-50
stages:
  encode: {}
  teacher: {stage: train, needs: [encode], model: cnn1d}
  student: {stage: distil, needs: [encode, teacher], model: cnn1d, loss: hinton}
  evaluate: {needs: [teacher, student]}
tune:
  inner: 3
  space:
    teacher:
      stages.teacher.fit.lr: [1e-3, 1e-2]
    student:
      stages.student.fit.lr: {low: 1e-3, high: 1e-2, log: true}
"""
RANGE = "{low: 1e-3, high: 1e-2, log: true}"
MISTAKES = {
    "an entry that is not there": ("    teacher:\n", "    teachr:\n", 12, "teachr: is no train", "`teacher`"),
    "an entry that is not trained": ("    teacher:\n", "    encode:\n", 12, "encode: is no train", "teacher, student"),
    "no settings": ("\n      stages.teacher.fit.lr: [1e-3, 1e-2]", " {}", 12, "names no setting", "stages.teacher"),
    "an empty list": ("[1e-3, 1e-2]", "[]", 13, "the list is empty", "low: ..."),
    "a value twice": ("[1e-3, 1e-2]", "[1, 1]", 13, "has 1 twice", "keep one"),
    "an empty range": (RANGE, "{low: 2, high: 1}", 15, "low 2 is not less than high 1", "exchange"),
    "a logarithm of 0": (RANGE, "{low: 0, high: 1, log: true}", 15, "lr.low: is 0, and has no logarithm", "more than"),
    "a step beyond the range": (RANGE, "{low: 0, high: 1, step: 2}", 15, "lr.step: is 2 of 1", "a part"),
    "a step of logarithms": (RANGE, "{low: 1, high: 9, step: 2, log: true}", 15, "does not go with log", "leave one"),
    "no end of a range": (RANGE, "{low: 0, high: .inf}", 15, "lr.high: is inf", "that can be tried"),
    "a key of a range": (RANGE, "{low: 1, hihg: 9}", 15, "hihg: no such key", "did you mean `high`?"),
    "a single number": (RANGE, "3", 15, "expected a mapping or a list", "docs/stages-file.md"),
    "an unknown key": (
        "stages.teacher.fit.lr: [", "stages.teacher.fit.epoch: [", 13, "stages.teacher.fit.epoch: no such key",
        "did you mean `epochs`?",
    ),
    "values that are none": (RANGE, "[many, few]", 15, "stages.student.fit.lr: expected a number", "docs/"),
    "a key of another model": (
        "stages.teacher.fit.lr: [", "stages.student.fit.batch: [", 13, "changes nothing of teacher", "a key of it"
    ),
    "a key that changes nothing": (
        "stages.teacher.fit.lr: [1e-3, 1e-2]", "fit.lr: [1e-3]", 13, "changes nothing of teacher", "what its model"
    ),
    "a key of what is searched before": (
        "stages.student.fit.lr", "stages.teacher.model.width", 15, "would change teacher, too", "for teacher, or"
    ),
    "the protocol": ("stages.teacher.fit.lr: [", "protocol: [", 13, "`protocol` says which recordings", "below stages"),
    "seeds": ("stages.teacher.fit.lr: [", "seeds: [", 13, "a seed is no setting", "below stages"),
    "the source": ("stages.teacher.fit.lr: [", "source.subjects: [", 13, "`source` says which recordings", "stages"),
    "the store": ("stages.teacher.fit.lr: [", "store: [", 13, "is nothing that a model is made by", "below stages"),
    "too few subjects": ("inner: 3", "inner: 4", 10, "trains on 3 by subject, too few for 4", "at most 3"),
    "one inner fold": ("inner: 3", "inner: 1", 10, "tune.inner: expected", ">= 2"),
    "no inner folds": ("inner: 3", "inner: some", 10, "'some' is neither a whole number nor leave-one-out", "docs/"),
    "no trials": ("inner: 3", "trials: 0", 10, "tune.trials: expected", ">= 1"),
    "a seed twice": ("inner: 3", "seeds: [1, 1]", 10, "must be different numbers", "seeds: [0]"),
    "a key of tune": ("inner: 3", "iner: 3", 10, "tune.iner: no such key", "did you mean `inner`?"),
    "a matrix": (
        "tune:\n", "matrix: {fit.lr: [1e-3, 1e-2]}\ntune:\n", 9, "makes several experiments", "--set matrix={}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_where_it_stands(mistake: str, tmp_path: Path, said_here: Callable[..., Any]) -> None:
    right, wrong, line, *parts = MISTAKES[mistake]
    assert right in FILE
    path = tmp_path / "stages.yaml"
    path.write_text(FILE.replace(right, wrong))
    said_here("tune", "-f", str(path), "--dry-run").refuses(2, f"error: {path}:{line}: ", *parts)
    assert [each.name for each in tmp_path.iterdir()] == ["stages.yaml"]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "stages.yaml"
    path.write_text(FILE)
    return path


def test_the_file_is_good_without_a_mistake(good: Path, said_here: Callable[..., Any]) -> None:
    said = said_here("tune", "-f", str(good), "--dry-run")
    assert said.code == 0
    assert said.out == "teacher: 0 of 30 trials are there; the next batch needs 6 trainings\n"


def test_a_file_without_a_search(good: Path, said_here: Callable[..., Any]) -> None:
    good.write_text(FILE.partition("tune:")[0])
    said_here("tune", "-f", str(good)).refuses(2, f"error: {good}: tune: is missing", "docs/tuning.md")


OPTIONS = {
    "an entry": (["gaf"], "ENTRY gaf: tune.space has no such entry", "teacher, student"),
    "another folder": (["-o", "/tmp/other.yaml"], "-o /tmp/other.yaml: is not beside", "name a file there"),
    "no trials": (["--trials", "0"], "'--trials': 0 is not in the range"),
    "no hours": (["--hours", "0"], "'--hours'"),
    "two that exclude each other": (["--dry-run", "--push"], "--dry-run and --push exclude each other"),
    "nowhere to push": (["--push"], "remote: names no store to push to"),
    "a scheduler": (["--scheduler", "here"], "--scheduler here: give local"),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_a_mistake_in_an_option(option: str, good: Path, said_here: Callable[..., Any]) -> None:
    arguments, *parts = OPTIONS[option]
    said_here("tune", "-f", str(good), *arguments).refuses(2, *parts)


def test_somebodys_own_file_is_not_written_over(good: Path, said_here: Callable[..., Any]) -> None:
    """Neither the stages file itself nor one that was not made by this command."""
    (good.parent / "stages.tuned.yaml").write_text("mine")
    said_here("tune", "-f", str(good)).refuses(2, "stages.tuned.yaml: is there, and no file of this command", "-o")
    said_here("tune", "-f", str(good), "-o", str(good)).refuses(2, "stages.yaml: is there, and no file of this command")
    assert (good.parent / "stages.tuned.yaml").read_text() == "mine"
