"""What is written again is there once; what came later is added; trials lie apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.plan.recordings.output_readers import metrics_of

from .readers import event_file, event_files, mlflow_runs

Run = Callable[..., Any]
MODELS = {("teacher", 0), ("student", 0), ("distilled", 0)}
TENSORBOARD = "needs tensorboard: pip install 'harvest-har[tensorboard]'"


@pytest.fixture
def report(said_here: Run, stages: Any) -> Callable[..., str]:
    """A function that writes a report, and returns what that printed."""

    def write(*options: str) -> str:
        said = said_here("report", "-f", str(stages.file), "-o", str(stages.folder / "r.html"), *options)
        assert said.code == 0, said.err
        return str(said.out)

    return write


def test_event_files(report: Run, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason=TENSORBOARD)
    for _ in range(2):
        report("--tensorboard", str(tmp_path / "tb"))
    assert {*event_files(tmp_path / "tb" / "stages")} == MODELS
    assert len([each for each in (tmp_path / "tb").rglob("*") if each.is_file()]) == 3


@pytest.mark.parametrize("place", ["server", "sqlite"])
def test_mlflow(
    report: Run, stages: Any, place: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = request.getfixturevalue("server")
    uri = server if place == "server" else f"sqlite:///{stages.folder}/mlflow.db"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", request.node.name)
    for _ in range(2):
        assert "http" not in report("--mlflow", uri)
    assert {*mlflow_runs(uri, request.node.name)} == MODELS


def test_a_run_writes_what_was_there_and_keeps_trials_apart(stages: Any, said_here: Run, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason=TENSORBOARD)
    for settings in ([], ["--set", "on_bad_recording=skip"]):
        said = said_here(
            "run", "--until", "encode", "-f", str(stages.file), "--tensorboard", str(tmp_path / "tb"), *settings
        )
        assert said.code == 0, said.err
    written = {each.name: {*event_files(each)} for each in (tmp_path / "tb").iterdir()}
    assert written == {"stages": MODELS, "stages, on_bad_recording=skip": MODELS}


def test_a_file_grows_when_its_test_has_ended(stages: Any, report: Run, tmp_path: Path) -> None:
    """A TensorBoard that has the file open sees the figures: it is the same file, continued."""
    pytest.importorskip("tensorboard", reason=TENSORBOARD)
    step = stages.plan().steps["evaluate[student,subjects=odd,seed=0]"]
    stages.remove("evaluate", step.key)
    report("--tensorboard", str(tmp_path / "tb"))
    (file,) = (tmp_path / "tb" / "stages" / "student").rglob("events.*")
    before, node = file.read_bytes(), file.stat().st_ino
    assert "test/top1" not in event_file(file.parent)
    assert stages.run() == [step.id]
    report("--tensorboard", str(tmp_path / "tb"))
    assert file.stat().st_ino == node
    assert file.read_bytes()[: len(before)] == before
    top1 = metrics_of(stages.plan().store.output("evaluate", step.key)).top1
    assert event_file(file.parent)["test/top1"] == {1: pytest.approx(100 * top1)}


def test_mlflow_shows_a_test_that_was_done_anew(stages: Any, server: str) -> None:
    from mlflow import MlflowClient

    from pipeline.report.trackers.mlflow_runs import MlflowRuns
    from pipeline.report.trackers.tracked import Point, Tracked, Trained

    trained = Trained(stages.plan().store, stages.folder / "anew.yaml", "", [])
    client = MlflowClient(server)
    for time_s, value in ((10.0, 75.0), (20.0, 50.0), (20.0, 50.0)):
        point = Point("test/top1", 3, value, time_s)
        run = Tracked("k", "m", "f", 0, {"a": 1}, [], [point], {"harvest.key": "k"}, 1.0, 2.0)
        MlflowRuns(server).write(trained, run)
        experiment = client.get_experiment_by_name(f"{stages.folder.name}/anew")
        (found,) = client.search_runs([experiment.experiment_id])
        assert found.data.metrics == {"test/top1": value}
    assert [each.value for each in client.get_metric_history(found.info.run_id, "test/top1")] == [75.0, 50.0]
