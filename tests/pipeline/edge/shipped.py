"""An experiment whose trained models are exported: what tests of the exported files share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ..project import Project

STAGES: dict[str, Any] = {
    "encode": {"skeleton": {"bones": True}},
    "gaf": {"needs": ["encode"], "modalities": ["inertial"], "size": 16},
    "teacher": {
        "stage": "train",
        "needs": ["encode"],
        "model": {"name": "dmft", "layers": 1, "width": 16},
        "fit": {"epochs": 2},
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
        "fit": {"epochs": 20},
    },
    "evaluate": {"needs": ["teacher", "images", "distilled"]},
}
EXPORTED = ("teacher", "images", "distilled")


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Project:
    """Return a project with trained models, and the exported ones in its folder."""
    project = Project(tmp_path_factory.mktemp("shipped")).write(
        {
            "source": {"name": "sample", "subjects": 4, "trials": 2, "streams": ["skeleton", "inertial"]},
            "modalities": ["skeleton", "inertial"],
            "protocol": "subject-50-50",
            "seeds": [0],
            "stages": STAGES,
        }
    )
    project.run()
    for entry in EXPORTED:
        project.command("export", entry, "--int8", "--most-points", "100", "--examples")
    return project
