"""Options for the programs that people look at trainings with; nothing of these is imported where none is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pipeline.report.trackers.trackers import OfRun, Trackers

F = TypeVar("F", bound=Callable[..., Any])


def tracker_options(command: F) -> F:
    """Add ``--tensorboard`` and ``--mlflow``, which the command takes as `tensorboard` and `mlflow`."""
    for option in (
        click.option("--mlflow", metavar="URI", help="Show trainings in MLflow, too: at a server, or sqlite:///FILE."),
        click.option(
            "--tensorboard", type=click.Path(path_type=Path), metavar="DIR",
            help="Write trainings as event files, too, for TensorBoard.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def trackers_of(tensorboard: Path | None, mlflow: str | None) -> Trackers | None:
    """Open what is asked for, None where that is nothing; ConfigError where it cannot be used here."""
    if tensorboard is None and mlflow is None:
        return None
    from pipeline.report.trackers.trackers import open_trackers

    return open_trackers(tensorboard, mlflow)


def trackers_of_run(tensorboard: Path | None, mlflow: str | None, settings: tuple[str, ...]) -> OfRun | None:
    """Open the same to follow a run."""
    trackers = trackers_of(tensorboard, mlflow)
    if trackers is None:
        return None
    from pipeline.report.trackers.trackers import OfRun

    return OfRun(trackers, settings)
