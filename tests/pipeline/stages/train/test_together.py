"""`run --together`: the same models as one by one, published step by step."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from pipeline.stages.train.training import TrainingStep
from store import Store

SEEDS = ("--set", "seeds=[0,1,2]")
SETTINGS = [("seeds", [0, 1, 2])]


def models(project: Any) -> dict[str, dict[str, Any]]:
    """Return the tensors of every trained model by step."""
    store = Store.open(str(project.store))
    return {
        id_: safetensors.numpy.load(store.output(step.stage, step.key).read_bytes("model.safetensors"))
        for id_, step in project.plan(*SETTINGS).steps.items()
        if step.stage in ("train", "distil")
    }


def together(project: Any) -> dict[str, int]:
    """Return how many models each was trained with."""
    store = Store.open(str(project.store))
    return {
        id_: store.output(step.stage, step.key).manifest.provenance.get("together", 1)
        for id_, step in project.plan(*SETTINGS).steps.items()
        if step.stage in ("train", "distil")
    }


@pytest.fixture(scope="module")
def one_by_one(finished: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    project = finished.copy(tmp_path_factory.mktemp("one") / "project")
    project.run(*SETTINGS)
    assert set(together(project).values()) == {1}
    return models(project)


def assert_same_models(project: Any, expected: dict[str, dict[str, Any]]) -> None:
    found = models(project)
    assert found.keys() == expected.keys()
    for id_, tensors in expected.items():
        for name, tensor in tensors.items():
            if not name.endswith("qkv.bias"):  # a key's bias changes nothing, and Adam makes much of its gradient
                np.testing.assert_allclose(found[id_][name], tensor, rtol=1e-3, atol=2e-4, err_msg=f"{id_} {name}")


def test_the_models_are_those_of_one_by_one(finished: Any, one_by_one: Any, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "project")
    said = project.command("run", *SEEDS, "--together", "2")
    assert_same_models(project, one_by_one)
    seeds = {id_: count for id_, count in together(project).items() if "seed=0" not in id_}  # that one was there
    assert seeds == dict.fromkeys(seeds, 2)
    assert len(seeds) == 6
    assert "teacher[subjects=odd,seed=1]: done in" in said.stderr
    assert "everything is cached" in project.command("run", *SEEDS).stdout


@pytest.mark.slow
def test_at_a_scheduler(finished: Any, one_by_one: Any, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "project")
    project.command("run", *SEEDS, "--together", "8", "--scheduler", "local", "--jobs", "1", "--device", "cpu")
    assert_same_models(project, one_by_one)
    assert {count for id_, count in together(project).items() if "seed=0" not in id_} == {2}


def test_one_that_another_run_is_doing_is_left_to_it(finished: Any, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "project")
    step = project.plan(*SETTINGS).steps["student[subjects=odd,seed=1]"]
    store = Store.open(str(project.store))
    with store.draft(step.stage, step.key, recipe=dict(step.recipe), inputs=[]):
        said = project.command("run", *SEEDS, "--together", "8", "--no-wait", "--json", "--until", "student", code=1)
    told = json.loads(said.stdout)
    assert told["failed"] == ["student[subjects=odd,seed=1]"]
    assert "student[subjects=odd,seed=2]" in told["done"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu(finished: Any, tmp_path: Path) -> None:
    alone = finished.copy(tmp_path / "alone")
    alone.command("run", *SEEDS, "--device", "cuda")  # a GPU draws other numbers than a CPU
    project = finished.copy(tmp_path / "project")
    project.command("run", *SEEDS, "--together", "8", "--device", "cuda")
    assert_same_models(project, models(alone))


def test_it_wants_a_number(finished: Any) -> None:
    said = finished.command("run", "--together", "0", code=2).stderr
    assert "Invalid value for '--together'" in said


def test_progress_says_how_many_models_are_stacked() -> None:
    said: list[str] = []
    context: Any = SimpleNamespace(draft=None, progress=lambda done, total, what: said.append(what))
    none: Any = None
    step = TrainingStep(context, SimpleNamespace(seed=0), none, none, none, none)  # type: ignore[arg-type]
    for beside in (1, 8):
        training = step.training(beside)
        assert training.progress is not None
        training.progress(1, 80, 0.25, 0.5)
    assert said == ["epochs, loss 0.250", "epochs, loss 0.250, 8 models stacked"]
