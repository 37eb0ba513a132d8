"""Workers of a scheduler make what one process makes, to the bit."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Alike = Callable[[Any, Any, list[str]], None]

VALUES: dict[str, Any] = {
    "source": {"name": "sample", "subjects": 3, "trials": 3},
    "modalities": ["depth", "skeleton", "inertial"],
    "protocol": "subject-50-50",
    "seeds": [0],
    "stages": {
        "encode": {
            "depth": {"backbone": "resnet18", "weights": "none", "image_size": 32, "patches": 2},
            "inertial": {"keep_series": True},
        },
        "gaf": {"needs": ["encode"], "size": 24},
        "teacher": {
            "stage": "train",
            "needs": ["encode"],
            "modalities": ["skeleton", "inertial"],
            "model": "dmft",
            "fit": {"epochs": 1},
        },
        "distilled": {
            "stage": "distil",
            "needs": ["encode", "teacher"],
            "modalities": ["inertial"],
            "model": "dmft-lite",
            "loss": "dmft-kd",
            "fit": {"epochs": 1},
        },
        "evaluate": {"needs": ["teacher", "distilled"]},
    },
}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, project_at: Callable[[Path], Any]) -> Any:
    """The experiment as one process makes it."""
    project = project_at(tmp_path_factory.mktemp("embedded") / "project").write(VALUES)
    project.run()
    return project


def shards(project: Any, id_: str) -> int:
    from store.features import open_features

    step = project.plan().steps[id_]
    return open_features(project.plan().store.output(step.stage, step.key)).array("valid").shards


def test_several_workers_make_the_same_bits(embedded: Any, two_workers: Any, tmp_path: Path, alike: Alike) -> None:
    project = type(embedded)(tmp_path / "scheduled").write(VALUES)
    said = project.command("run", "--scheduler", two_workers.address, "--json")
    steps = list(project.plan().steps)
    assert json.loads(said.stdout)["done"] == ["index", *[s for s in json.loads(said.stdout)["done"] if s != "index"]]
    assert set(json.loads(said.stdout)["done"]) == set(steps)
    assert "dashboard: http://" in said.stderr
    assert "Traceback" not in said.stderr
    alike(embedded, project, [id_ for id_ in steps if not id_.startswith("evaluate")])
    assert {id_: shards(project, id_) for id_ in ("encode[depth]", "gaf[inertial]")} == {
        "encode[depth]": 2,
        "gaf[inertial]": 2,
    }
    plan = project.plan()
    manifest = plan.store.manifest("encode", plan.steps["encode[depth]"].key)
    assert manifest.provenance["device"] == "cpu"
    assert manifest.provenance["workers"] == [os.uname().nodename]
    assert project.command("results").stdout == embedded.command("results").stdout
    assert not list(project.store.glob("outputs/*/*/*.scratch"))
    assert not list(project.store.glob("outputs/*/*/*.journal"))
    again = project.command("run", "--scheduler", "tcp://127.0.0.1:1")  # nothing to do: nobody is asked
    assert "everything is cached" in again.stdout


@pytest.mark.slow
def test_local_workers_make_the_same_bits(embedded: Any, tmp_path: Path, alike: Alike) -> None:
    project = type(embedded)(tmp_path / "local").write(VALUES)
    project.run(until="index")
    said = project.command("run", "--scheduler", "local", "--jobs", "2", "--device", "cpu", "--until", "gaf")
    assert "dashboard: http://127.0.0.1:" in said.stderr
    alike(embedded, project, ["encode[inertial]", "gaf[inertial]"])


@pytest.mark.slow
def test_workers_write_to_a_bucket_themselves(
    embedded: Any, two_workers: Any, tmp_path: Path, s3: Any, alike: Alike
) -> None:
    url = s3.url(os.urandom(8).hex())
    project = type(embedded)(tmp_path / "bucket").write({**VALUES, "store": url})
    project.run(until="index")
    project.command("run", "--scheduler", two_workers.address, "--until", "gaf")
    alike(embedded, project, ["encode[inertial]", "gaf[inertial]"])
