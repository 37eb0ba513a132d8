"""Three variants of the small experiment's student, each made by a run of its own that is remembered."""

from __future__ import annotations

import json

import pytest

from pipeline.plan.history import History
from pipeline.plan.runs.remembered import group_of
from store import Store

from ..project import Project

SETTINGS = ("stages.student.fit.lr=0.01", "stages.student.fit.lr=0.02", "stages.student.fit.epochs=2")


@pytest.fixture(scope="session")
def variants(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The runs 1, 2 and 3 of these settings. Shared: copy it."""
    project = finished.copy(tmp_path_factory.mktemp("variants") / "project")
    for setting in SETTINGS:
        project.command("run", "--set", setting)
    return project


def adopted(project: Project) -> Project:
    """Let a copy's records and reference be those of its own path; that of `finished` stays another experiment's."""
    (group,) = (project.store / "runs").iterdir()
    group.rename(group.with_name(group_of(project.file)))
    references = (project.store / "refs").glob("*.json")
    (own,) = (path for path in references if "/variants" in json.loads(path.read_bytes())["path"])
    own.rename(own.with_name(reference_of(project)))
    return project


def reference_of(project: Project) -> str:
    return History.read(Store.open(str(project.store)), project.file).name
