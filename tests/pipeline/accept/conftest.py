"""A finished experiment of several shards, and copies of the program to edit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STUDENT = {"stage": "train", "needs": ["encode"], "model": "dmft-lite", "modalities": ["inertial"]}
STAGES: dict[str, Any] = {
    "source": {"name": "sample", "subjects": 2, "trials": 1},
    "modalities": ["skeleton", "inertial"],
    "protocol": "subject-50-50",
    "seeds": [0],
    "stages": {
        "encode": {"inertial": {"keep_series": True}},
        "gaf": {"needs": ["encode"], "inertial": {"size": 16}, "modalities": ["inertial"]},
        "student": {**STUDENT, "fit": {"epochs": 2}},
        "evaluate": {"needs": ["student"]},
    },
}

Edit = Callable[..., None]


def replace(code: Path, path: str, old: str, new: str) -> None:
    """Replace a piece of source text that is there once."""
    file = code / path
    source = file.read_text()
    assert source.count(old) == 1, f"{path} has {source.count(old)} times: {old}"
    file.write_text(source.replace(old, new))


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory, make_project: Any, cache: Path) -> Any:
    """The experiment, all of it done, in four shards a modality."""
    folder = tmp_path_factory.mktemp("accept")
    project = make_project(folder / "project", folder / "code").write(STAGES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("store.features.layout.ROWS_PER_SHARD", 4)
        project.run()
    return project


@pytest.fixture
def edited(done: Any, code: Path, tmp_path: Path) -> Any:
    """A copy of the experiment, with a copy of the program that tests edit; it has its own history."""
    replace(code, "store/features/layout.py", "ROWS_PER_SHARD = 64", "ROWS_PER_SHARD = 4")  # not part of any key
    project = done.copy(tmp_path / "copy")
    project.code = code
    project.command("run")
    return project


@pytest.fixture
def edit(code: Path) -> Edit:
    """A function that edits the program: path, old text, new text."""

    def change(path: str, old: str, new: str) -> None:
        replace(code, path, old, new)

    return change
