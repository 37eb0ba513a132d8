"""The experiment of docs/plug-ins.md, run once, and copies of it to edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.plugins import places

from .page import write_experiment


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory, project_at: Callable[[Path], Any]) -> Any:
    """The page's experiment, all of it done. Shared: copy it."""
    project = project_at(write_experiment(tmp_path_factory.mktemp("herd") / "herd"))
    assert len(project.run()) == 11
    return project


@pytest.fixture
def herd(done: Any, tmp_path: Path) -> Any:
    """A copy of the finished experiment."""
    return done.copy(tmp_path / "herd")


@pytest.fixture
def fresh(tmp_path: Path, project_at: Callable[[Path], Any]) -> Any:
    """The page's experiment, of which nothing has run."""
    return project_at(write_experiment(tmp_path / "fresh"))


@pytest.fixture(autouse=True)
def forget_plugins() -> Iterator[None]:
    """Let no other test's error be taken for one of the plug-ins that a test loaded in this process."""
    yield
    places._loaded.clear()
