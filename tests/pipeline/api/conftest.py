"""An experiment with several folds that is done, opened from Python."""

from __future__ import annotations

from typing import Any

import pytest

import pipeline

from ..project import Project

SEVERAL: dict[str, Any] = {  # 72 recordings, which are two shards
    "source": {"name": "sample", "subjects": 3, "trials": 3, "streams": ["skeleton", "inertial"]},
    "modalities": ["skeleton", "inertial"],
    "protocol": "loso",
    "seeds": [0, 1],
    "stages": {
        "encode": {},
        "gaf": {"needs": ["encode"], "modalities": ["inertial"], "size": 16, "dtype": "uint8"},
        "teacher": {
            "stage": "train",
            "needs": ["encode"],
            "model": {"name": "dmft", "layers": 1, "width": 16},
            "fit": {"epochs": 2, "validation": 0.25},
        },
        "images": {
            "stage": "train",
            "needs": ["gaf"],
            "modalities": ["inertial"],
            "model": {"name": "resnet18", "weights": "none"},
            "fit": {"epochs": 1},
        },
        "distilled": {
            "stage": "distil",
            "needs": ["encode", "teacher"],
            "modalities": ["inertial"],
            "model": {"name": "cnn1d", "width": 8},
            "loss": "hinton",
            "fit": {"epochs": 1},
        },
        "evaluate": {"needs": ["teacher", "images", "distilled"]},
    },
}


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory, cache: Any) -> Project:
    """Return a project with several folds and seeds, all of it done; copy it to change it."""
    project = Project(tmp_path_factory.mktemp("done")).write(SEVERAL)
    project.run()
    return project


@pytest.fixture(scope="session")
def experiment(done: Project) -> pipeline.Experiment:
    """Return it opened from Python."""
    return pipeline.open(done.file)
