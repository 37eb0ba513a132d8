"""Models that are solved in closed form, from the stages file to results, the report and an exported file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

from pipeline.edge.runtime.batch import padded
from pipeline.edge.runtime.model import open_model

from ..project import Project

MODELS: dict[str, Any] = {
    "rocket": {"model": {"name": "rocket", "features": 420, "copies": 1}, "modalities": ["inertial"]},
    "ridge": {"model": {"name": "ridge", "components": 10}},
    "apart": {"model": {"name": "ridge", "streams": "modality"}},
}
STAGES: dict[str, Any] = {
    "encode": {},
    **{name: {"stage": "train", "needs": ["encode"], **each} for name, each in MODELS.items()},
    "taught": {
        "stage": "distil",
        "needs": ["encode", "rocket"],
        "modalities": ["inertial"],
        "model": {"name": "cnn1d", "width": 8},
        "loss": "hinton",
    },
    "evaluate": {"needs": [*MODELS, "taught"]},
    "robustness": {"needs": ["apart", "rocket"], "noise": [0], "packet_loss": [], "saturation": [], "rotation": []}
    | {"clock_offset": [], "clock_drift": []},
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, project_at: Callable[[Path], Project]) -> Project:
    """An experiment of solved models and one that is taught, all of it done."""
    project = project_at(tmp_path_factory.mktemp("solved")).write(
        {
            "source": {"name": "sample", "subjects": 4, "trials": 3, "streams": ["skeleton", "inertial"]},
            "modalities": ["skeleton", "inertial"],
            "protocol": "subject-50-50",
            "seeds": [0],
            "fit": {"epochs": 2, "validation": 0.5, "patience": 1},
            "stages": STAGES,
        }
    )
    project.run()
    return project


def output(project: Project, entry: str, stage: str = "train") -> Any:
    plan = project.plan()
    (step,) = (step for step in plan.steps.values() if step.entry == entry and step.stage == stage)
    return plan.store.output(step.stage, step.key)


@pytest.mark.parametrize("entry", MODELS)
def test_one_epoch_of_both_sides_and_the_weights_are_written(done: Project, entry: str) -> None:
    made = output(done, entry)
    (epoch,) = json.loads(made.read_bytes("history.json"))
    assert epoch.keys() == {"epoch", "loss", "accuracy", "validation_loss", "validation_accuracy"}
    state = load(made.read_bytes("model.safetensors"))
    learned = sum(each.size for name, each in state.items() if name.endswith(("weight", "bias", "axes")))
    assert made.manifest.provenance["parameters"] == learned > 0
    assert made.manifest.provenance["epochs"] == 1


def test_results_robustness_and_the_report_show_them(done: Project) -> None:
    top1 = {row["model"]: row["mean"] for row in json.loads(done.command("results", "--json").stdout)[::2]}
    assert top1.keys() == {*MODELS, "taught"}
    assert min(top1[name] for name in MODELS) > 40  # of eight classes
    shown = done.command("results", "--robustness").stdout
    assert "apart" in shown
    assert "rocket" in shown
    done.command("report")
    assert "ridge" in (done.folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("entry", ["ridge", "rocket"])
def test_the_exported_file_says_the_same_of_raw_samples(done: Project, entry: str) -> None:
    pytest.importorskip("onnxscript", reason="needs onnxscript: pip install 'harvest-har[export]'")
    done.command("export", entry)
    model = open_model(done.folder / f"{entry}.onnx")
    rows = [line.split(",") for line in done.command("results", "--per-recording").stdout.splitlines()[1:]]
    expected = {row[5]: row[8] for row in rows if row[0] == entry}
    source = done.plan().points[0].source
    by_id = {each.id: each for each in source.list().recordings}
    for id_, answer in expected.items():
        read = {}
        for stream in model.card.streams:
            series = source.open_series(by_id[id_], stream.name)
            times = np.arange(len(series.values)) / stream.rate if series.times is None else series.times
            read[stream.name] = (series.values, times)
        (found,) = model.probabilities(padded([read]))
        assert model.card.classes[found.argmax()] == answer
