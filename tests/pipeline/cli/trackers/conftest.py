"""A real MLflow server, and a small experiment whose run, and whose reports, were given both trackers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from ...report.html.html_reading import Element, read
from .readers import Trainings, event_files, mlflow_runs

STUDY = {
    "source": {"name": "sample", "subjects": 4, "trials": 1},
    "modalities": ["skeleton", "inertial"],
    "protocol": "subject-50-50",
    "seeds": [0, 1],
    "stages": {
        "encode": {},
        "teacher": {"stage": "train", "needs": ["encode"], "model": "dmft", "fit": {"epochs": 2}},
        "student": {
            "stage": "train",
            "needs": ["encode"],
            "model": "dmft-lite",
            "fit": {"epochs": 12, "lr": 0.03, "validation": 0.25, "patience": 2},
        },
        "distilled": {
            "stage": "distil",
            "needs": ["encode", "teacher"],
            "model": "dmft-lite",
            "loss": "dmft-kd",
            "fit": {"epochs": 3},
        },
        "evaluate": {"needs": ["teacher", "student", "distilled"]},
    },
}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real MLflow server on loopback, with a database in a temporary folder."""
    for module in ("mlflow.server", "sqlalchemy"):
        pytest.importorskip(module, reason="needs a whole mlflow: pip install mlflow")
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/db"]
    command += ["--artifacts-destination", str(folder), "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (folder / "log").open("w") as log:
        quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
        process = subprocess.Popen(command, cwd=folder, env=quiet, stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(600):
            try:
                urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


@dataclass(frozen=True)
class Study:
    """An experiment that was run; each command had a folder for event files and an MLflow experiment of its own.

    Attributes
    ----------
    pages
        What the reports wrote, by command.
    """

    project: Any
    server: str
    pages: dict[str, Element]

    def tensorboard(self, command: str) -> Trainings:
        """Return what the command wrote as event files."""
        (group,) = (self.project.folder / f"tb-{command}").iterdir()
        return event_files(group)

    def mlflow(self, command: str) -> Trainings:
        """Return what the server holds of the command."""
        return mlflow_runs(self.server, command)


@pytest.fixture(scope="session")
def study(
    server: str, project_at: Callable[[Path], Any], cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Study:
    """The experiment, run by ``run`` while ``report --watch`` looked on; then reported as it stands, and as run 1."""
    pytest.importorskip("tensorboard", reason="needs tensorboard: pip install 'harvest-har[tensorboard]'")
    project = project_at(tmp_path_factory.mktemp("trackers") / "study").write(STUDY)

    def options(command: str) -> list[str]:
        page = [] if command == "run" else ["-o", f"{command}.html"]
        return [*page, "--tensorboard", f"tb-{command}", "--mlflow", server]

    watch = project.start("report", "--watch", *options("watch"), MLFLOW_EXPERIMENT_NAME="watch")
    project.command("run", *options("run"), MLFLOW_EXPERIMENT_NAME="run")
    _, told = watch.communicate(timeout=60)
    assert watch.returncode == 0, told
    project.command("report", "--csv", "csv", *options("report"), MLFLOW_EXPERIMENT_NAME="report")
    project.command("report", "1", *options("remembered"), MLFLOW_EXPERIMENT_NAME="remembered")
    pages = {each: read((project.folder / f"{each}.html").read_text()) for each in ("watch", "report", "remembered")}
    return Study(project, server, pages)


@pytest.fixture
def stages(finished: Any, tmp_path: Path) -> Any:
    """The small experiment, all of it done, to write to."""
    return finished.copy(tmp_path / "study")
