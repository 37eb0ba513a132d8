"""A search of seconds: wrist sensors of six people, of whom three train, and a small network for an epoch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..project import Project

pytest.importorskip("optuna", reason="needs optuna: pip install 'harvest-har[tune]'")

FILE = """\
# wrist sensors
source: {name: sample, subjects: 6, trials: 1, streams: [inertial]}
modalities: [inertial]
protocol: subject-50-50
fit: {epochs: 1}
stages:
  encode: {}
  teacher: {stage: train, needs: [encode], model: {name: cnn1d, width: 8}}  # it teaches
  student:
    stage: distil
    needs: [encode, teacher]
    model: cnn1d
    loss: hinton
  evaluate: {needs: [teacher, student]}
compare: {student: [teacher]}
published: {by: somebody, top1: {student: 50}}
tune:
  trials: 4
  batch: 2
  space:
    teacher:
      stages.teacher.model.width: [4, 8, 16]
      stages.teacher.fit.lr: {low: 1e-3, high: 1e-1, log: true}
"""


class Tuned(Project):
    """A project that is searched."""

    def text(self, text: str) -> Tuned:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file.write_text(text)
        return self

    def copy(self, folder: Path) -> Tuned:
        return Tuned(super().copy(folder).folder)

    def tune(self, *arguments: str, **options: Any) -> str:
        """Search, and return what was said of it."""
        return self.command("tune", "--jobs", "1", *arguments, **options).stderr

    def trail(self, entry: str = "teacher") -> dict[str, Any]:
        found = json.loads((self.folder / "stages.tune.json").read_text())
        (trail,) = (each for each in found if each["entry"] == entry)
        return dict(trail)

    def outcome(self, entry: str = "teacher") -> list[Any]:
        """The trail but for how long it took."""
        return [
            {**trial, "seconds": None, "fold": fold["fold"]}
            for fold in self.trail(entry)["folds"]
            for trial in fold["trials"]
        ]

    def trainings(self) -> set[str]:
        return {path.name for stage in ("train", "distil") for path in (self.store / "outputs" / stage).glob("*")}


def trained(said: str) -> list[str]:
    """The steps that were computed, by what a command said."""
    return [line.split()[1].rstrip(":") for line in said.splitlines() if ": done in " in line]


@pytest.fixture
def searching(tmp_path: Path) -> Callable[..., Tuned]:
    """A function that makes such a project, in a folder of that name."""
    return lambda name="project", text=FILE: Tuned(tmp_path / name).text(text)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Tuned:
    """One that has been searched. Shared: copy it, or read alone."""
    project = Tuned(tmp_path_factory.mktemp("searched") / "project").text(FILE)
    project.tune()
    return project
