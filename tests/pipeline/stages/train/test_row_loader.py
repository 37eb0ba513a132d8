"""Features that do not fit into memory are read from a file as they are used; the model is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.stages.train import row_loader
from store import Store

STEP = "student[subjects=odd,seed=1]"


def model(project: Any) -> tuple[bytes, bytes]:
    """Train and evaluate in this process; return the model and what it predicts."""
    settings = [("seeds", [1]), ("modalities", ["skeleton", "inertial"])]
    project.run(*settings)
    plan, store = project.plan(*settings), Store.open(str(project.store))
    evaluation = next(step for step in plan.steps.values() if step.id.startswith("evaluate[student"))
    return (
        store.output("train", plan.steps[STEP].key).read_bytes("model.safetensors"),
        store.output("evaluate", evaluation.key).read_bytes("predictions.jsonl"),
    )


def test_the_model_is_the_same(finished: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = model(finished.copy(tmp_path / "memory"))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(row_loader, "_free_memory", lambda: 0)
    monkeypatch.setattr(row_loader, "ROWS", 5)
    mapped: list[str] = []
    real = row_loader.np.memmap
    monkeypatch.setattr(row_loader.np, "memmap", lambda file, *a, **k: mapped.append(str(a[0])) or real(file, *a, **k))
    assert model(finished.copy(tmp_path / "file")) == expected
    assert "float32" in mapped
    assert not list(temporary.iterdir())


def test_free_memory_memory_is_known() -> None:
    assert 1 << 20 < row_loader._free_memory() < 1 << 50
