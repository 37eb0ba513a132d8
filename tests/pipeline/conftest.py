"""A small experiment to plan and run, in a folder of its own; caches go to a temporary folder."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from .exported import empty_python, make_model, without_torch  # noqa: F401 -- fixtures
from .gate import Gate
from .processes import children, gone, kill_group, until  # noqa: F401 -- fixtures
from .project import SMALL, Project, copy_packages


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for all caches of the session, so that the sample is made once."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("PIPELINE_CACHE")
    os.environ["PIPELINE_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["PIPELINE_CACHE"]
    else:
        os.environ["PIPELINE_CACHE"] = before


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Project:
    """The small experiment, all of it done. Shared: plan it, copy it, but run nothing in it."""
    project = Project(tmp_path_factory.mktemp("finished")).write(SMALL)
    assert len(project.run()) == 9
    return project


@pytest.fixture(scope="session")
def project_at(cache: Path) -> Callable[[Path], Project]:
    """A function that makes a project of a folder."""
    return Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The small experiment in an empty folder."""
    return Project(tmp_path / "project").write(SMALL)


@pytest.fixture
def small() -> dict[str, Any]:
    """The small experiment's stages file, to be changed at will."""
    values: dict[str, Any] = json.loads(json.dumps(SMALL))
    return values


@pytest.fixture(scope="session")
def raw_folder(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The sample's skeletons and inertial series as a dataset in UTD-MHAD's layout, older than a moment."""
    from pipeline.sources.sample.source import Params, Sample

    sample = Sample(Params(subjects=2, trials=1), cache)
    sample.ensure()
    root = tmp_path_factory.mktemp("raw") / "data"
    for folder in ("Skeleton", "Inertial"):
        shutil.copytree(sample.root / folder, root / folder)
    age(root)
    return root


def age(root: Path) -> None:
    """Let all files be an hour old, so that nobody doubts their modification times."""
    past = time.time() - 3600
    for path in root.rglob("*.*"):
        os.utime(path, (past, past))


@pytest.fixture
def raw(raw_folder: Path, tmp_path: Path) -> Path:
    """A copy of `raw_folder` of one's own."""
    root = tmp_path / "data"
    shutil.copytree(raw_folder, root)
    return root


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A copy of the packages, to be edited."""
    return copy_packages(tmp_path / "code")


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    (tmp_path / "gate").mkdir()
    return Gate(tmp_path / "gate")


@pytest.fixture(scope="session")
def make_project() -> Callable[[Path, Path], Project]:
    """A function that makes a project of a folder, run by a copy of the packages in another."""
    return lambda folder, code: Project(folder, copy_packages(code))


@pytest.fixture(scope="session")
def inertial_files() -> Callable[..., Path]:
    """A function that writes recordings of one inertial unit in UTD-MHAD's layout: four trials of each."""

    def write(root: Path, actions: int, subjects: int, longest: int) -> Path:
        (root / "Inertial").mkdir()
        rng = np.random.default_rng(0)
        for action in range(1, actions + 1):
            for subject in range(1, subjects + 1):
                for trial in range(1, 5):
                    values = rng.normal(size=(rng.integers(120, longest), 6))
                    savemat(root / "Inertial" / f"a{action}_s{subject}_t{trial}_inertial.mat", {"d_iner": values})
        return root

    return write


@pytest.fixture(scope="session")
def real_utd_mhad() -> Path:
    """The real dataset's folder; skips where there is none."""
    return _real("utd-mhad")


@pytest.fixture(scope="session")
def real_berkeley_mhad() -> Path:
    """The real dataset's folder; skips where there is none."""
    return _real("berkeley-mhad")


def _real(name: str) -> Path:
    repository = Path(__file__).parents[2]
    data = Path(os.environ.get("HARVEST_DATA", repository.parent / "shared" / "data"))
    if not (data / name).is_dir():
        pytest.skip(f"no real data at {data / name} (set HARVEST_DATA to the folder that holds {name})")
    return data / name
