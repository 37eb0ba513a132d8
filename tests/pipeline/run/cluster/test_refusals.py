"""What keeps a run from a scheduler is said at once: who, what, and the remedy."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def indexed(project: Any) -> Any:
    project.run(until="index")
    return project


def refused(project: Any, *arguments: str, code: int = 1, **environment: str) -> str:
    said: str = project.command("run", *arguments, code=code, **environment).stderr
    assert "Traceback" not in said
    return said


def test_an_address_that_is_none(indexed: Any) -> None:
    assert "--scheduler localhost: give local, or" in refused(indexed, "--scheduler", "localhost", code=2)


def test_no_scheduler(indexed: Any) -> None:
    started = time.monotonic()
    said = refused(indexed, "--scheduler", "tcp://127.0.0.1:1")
    assert "tcp://127.0.0.1:1: no scheduler answers there" in said
    assert "dask scheduler" in said
    assert time.monotonic() - started < 30


def test_no_workers_and_then_one_without_a_gpu(indexed: Any, cluster: Any) -> None:
    said = refused(indexed, "--scheduler", cluster.address, PIPELINE_WORKER_WAIT_SECONDS="1")
    assert f"waiting for a worker of {cluster.address}" in said
    assert "has had no worker for 1 s" in said
    cluster.add(1)
    said = refused(indexed, "--scheduler", cluster.address, "--device", "cuda")
    assert "no worker" in said
    assert "--resources GPU=1" in said


def test_a_worker_with_other_code(
    indexed: Any, cluster: Any, tmp_path: Path, make_project: Callable[[Path, Path], Any]
) -> None:
    code = make_project(tmp_path / "other", tmp_path / "code").code
    changed = code / "trainers" / "evaluation" / "metrics.py"
    changed.write_text(changed.read_text() + "\nCHANGED = 1\n")
    cluster.add(1)
    cluster.add(1, code=code)
    said = refused(indexed, "--scheduler", cluster.address)
    assert "runs other code than this" in said
    assert "install the same version" in said
    assert indexed.plan().states["encode[inertial]"] == "todo"


def test_a_worker_without_the_program(indexed: Any, cluster: Any, tmp_path: Path) -> None:
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'pipeline'\")\n")
    cluster.add(1, code=tmp_path)
    said = refused(indexed, "--scheduler", cluster.address)
    assert "cannot run this program" in said
    assert "PYTHONPATH" in said


def test_a_worker_that_does_not_see_the_store(tmp_path: Path) -> None:
    import msgspec

    from pipeline.errors import StepError
    from pipeline.run.cluster.tasks import _check_paths_visible
    from pipeline.run.messages import StepJob

    job = StepJob("e", "encode", "k", {}, {}, {}, str(tmp_path), {"root": str(tmp_path)}, {}, "cpu", "fail", None, {})
    _check_paths_visible(job)
    with pytest.raises(StepError, match=r"does not see the store\n .*share at the same path, or a bucket"):
        _check_paths_visible(msgspec.structs.replace(job, store=str(tmp_path / "gone")))
    with pytest.raises(StepError, match="does not see the raw data"):
        _check_paths_visible(msgspec.structs.replace(job, source={"root": str(tmp_path / "gone")}))
