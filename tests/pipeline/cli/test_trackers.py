"""``--tensorboard`` and ``--mlflow``: TensorBoard's own reader and a real MLflow server hold the stored curves."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest

from pipeline.plan.recordings.output_readers import history_of, metrics_of

Run = Callable[..., Any]
FOLD = "subjects=odd"


def stored(project: Any, entry: str) -> dict[str, dict[int, float]]:
    """Return a model's figures by epoch, straight from its outputs' files."""
    plan = project.plan()
    trained = plan.steps[f"{entry}[{FOLD},seed=0]"]
    tested = plan.steps[f"evaluate[{entry},{FOLD},seed=0]"]
    history = history_of(plan.store.output(trained.stage, trained.key))
    metrics = metrics_of(plan.store.output("evaluate", tested.key))
    return {
        "loss/train": {each.epoch: each.loss for each in history},
        "accuracy/train": {each.epoch: 100 * each.accuracy for each in history},
        "test/top1": {len(history): 100 * metrics.top1},
        "test/macro_f1": {len(history): 100 * metrics.macro_f1},
    }


@pytest.fixture
def stages(finished: Any, tmp_path: Path) -> Any:
    return finished.copy(tmp_path / "study")


def events(folder: Path) -> dict[str, dict[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    reader.Reload()
    return {tag: {each.step: each.value for each in reader.Scalars(tag)} for tag in reader.Tags()["scalars"]}


def test_tensorboard_reads_the_stored_curves(stages: Any, said_here: Run, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs tensorboard: pip install 'harvest-har[tensorboard]'")
    for _ in range(2):
        said = said_here(
            "report", "-f", str(stages.file), "-o", str(tmp_path / "r.html"), "--tensorboard", str(tmp_path / "tb")
        )
        assert said.code == 0, said.err
    for entry in ("teacher", "student", "distilled"):
        folder = tmp_path / "tb" / "stages" / entry / FOLD / "seed=0"
        assert len(list(folder.iterdir())) == 1  # written again without doubling
        found = events(folder)
        for figure, curve in stored(stages, entry).items():
            assert found[figure] == {epoch: float(np.float32(value)) for epoch, value in curve.items()}


def test_a_run_writes_what_was_there_and_keeps_trials_apart(stages: Any, said_here: Run, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs tensorboard: pip install 'harvest-har[tensorboard]'")
    for settings in ([], ["--set", "on_bad_recording=skip"]):
        said = said_here(
            "run", "--until", "encode", "-f", str(stages.file), "--tensorboard", str(tmp_path / "tb"), *settings
        )
        assert said.code == 0, said.err
    written = {each.name: len(list(each.rglob("events.*"))) for each in (tmp_path / "tb").iterdir()}
    assert written == {"stages": 3, "stages, on_bad_recording=skip": 3}


def test_a_file_grows_when_its_test_has_ended(stages: Any, said_here: Run, tmp_path: Path) -> None:
    """A TensorBoard that has the file open sees the figures: it is the same file, continued."""
    pytest.importorskip("tensorboard", reason="needs tensorboard: pip install 'harvest-har[tensorboard]'")
    step = f"evaluate[student,{FOLD},seed=0]"
    stages.remove("evaluate", stages.plan().steps[step].key)
    report = ("report", "-f", str(stages.file), "-o", str(tmp_path / "r.html"), "--tensorboard", str(tmp_path / "tb"))
    assert said_here(*report).code == 0
    (file,) = (tmp_path / "tb" / "stages" / "student").rglob("events.*")
    before, node = file.read_bytes(), file.stat().st_ino
    assert "test/top1" not in events(file.parent)
    assert stages.run() == [step]
    assert said_here(*report).code == 0
    assert file.stat().st_ino == node
    assert file.read_bytes()[: len(before)] == before
    assert events(file.parent)["test/top1"] == pytest.approx(stored(stages, "student")["test/top1"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real MLflow server on loopback, with a database in a temporary folder."""
    pytest.importorskip("mlflow.server", reason="needs a whole mlflow: pip install mlflow")
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
        os.killpg(process.pid, 15)
        process.wait(20)


def test_mlflow_holds_the_stored_curves(stages: Any, said_here: Run, server: str, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    for _ in range(2):
        said = said_here("report", "-f", str(stages.file), "-o", str(tmp_path / "r.html"), "--mlflow", server)
        assert said.code == 0, said.err
        assert "http" not in said.out
    client = MlflowClient(server)
    experiment = client.get_experiment_by_name("study/stages")
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(run.data.params["entry"] for run in runs) == ["distilled", "student", "teacher"]
    for run in runs:
        assert run.info.status == "FINISHED"
        entry = run.data.params["entry"]
        assert run.data.tags["harvest.key"] == stages.plan().steps[f"{entry}[{FOLD},seed=0]"].key
        for figure, curve in stored(stages, entry).items():
            points = [(each.step, each.value) for each in client.get_metric_history(run.info.run_id, figure)]
            assert points == [*curve.items()]


def test_mlflow_shows_a_test_that_was_done_anew(stages: Any, server: str) -> None:
    from mlflow import MlflowClient

    from pipeline.report.trackers.mlflow_runs import MlflowRuns
    from pipeline.report.trackers.tracked import Point, Tracked, Trained

    trained = Trained(stages.plan().store, stages.folder / "anew.yaml", "", {})
    client = MlflowClient(server)
    for time_s, value in ((10.0, 75.0), (20.0, 50.0), (20.0, 50.0)):
        point = Point("test/top1", 3, value, time_s)
        run = Tracked("k", "m", "f", 0, {"a": 1}, [], [point], {"harvest.key": "k"}, 1.0, 2.0)
        MlflowRuns(server).write(trained, run)
        experiment = client.get_experiment_by_name(f"{stages.folder.name}/anew")
        (found,) = client.search_runs([experiment.experiment_id])
        assert found.data.metrics == {"test/top1": value}
    assert [each.value for each in client.get_metric_history(found.info.run_id, "test/top1")] == [75.0, 50.0]


def test_a_server_that_is_down_loses_nothing(
    stages: Any, said_here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow", reason="needs mlflow: pip install 'harvest-har[mlflow]'")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    page = tmp_path / "r.html"
    said = said_here("report", "-f", str(stages.file), "-o", str(page), "--mlflow", "http://me:HIDDEN@127.0.0.1:9")
    said.refuses(
        1, "error: --mlflow http://***@127.0.0.1:9: ", "onnection refused", "nothing is lost: `pipeline report"
    )
    assert "HIDDEN" not in said.out + said.err
    assert page.exists()


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_where_it_is_not_installed(
    stages: Any, said_here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    for command in ("run", "report"):
        said = said_here(command, "-f", str(stages.file), f"--{name}", str(tmp_path / "x"))
        said.refuses(2, f"error: --{name}: needs {name}, which is not installed", f"pip install 'harvest-har[{name}]'")
    assert not (tmp_path / "x").exists()


def test_nothing_is_imported_unasked(stages: Any) -> None:
    program = "import sys, json\nfrom pipeline.cli import main\ntry:\n    main(['run'])\nfinally:\n"
    program += "    print(json.dumps([n for n in sys.modules if 'trackers' in n or n in ('mlflow', 'tensorboard')]))"
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=stages.folder,
        env={**os.environ, "PYTHONPATH": str(stages.code)},
        capture_output=True,
        text=True,
    )
    assert json.loads(found.stdout.splitlines()[-1]) == []
