"""Images of series as a stage: what a gaf step depends on, who reads it, and what is said of a wrong wiring."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.errors import ConfigError

FOLD = "subjects=odd,seed=0"
VSKD: dict[str, Any] = {
    "source": {"name": "sample", "subjects": 2, "trials": 1},
    "modalities": ["skeleton", "inertial", "accelerometer"],
    "protocol": "subject-50-50",
    "seeds": [0],
    "stages": {
        "encode": {},
        "gaf": {"needs": ["encode"], "size": 16, "accelerometer": {"size": 24}},
        "teacher": {
            "stage": "train",
            "needs": ["encode"],
            "model": "dmft",
            "modalities": ["skeleton", "accelerometer"],
            "fit": {"epochs": 1},
        },
        "student": {
            "stage": "distil",
            "needs": ["encode", "gaf", "teacher"],
            "model": {"name": "resnet18", "weights": "none"},
            "modalities": ["accelerometer"],
            "loss": "dask",
            "fit": {"epochs": 1},
        },
        "cnn": {
            "stage": "train",
            "needs": ["encode"],
            "model": "cnn1d",
            "modalities": ["accelerometer"],
            "fit": {"epochs": 1},
        },
        "evaluate": {"needs": ["teacher", "student", "cnn"]},
    },
}


@pytest.fixture
def vskd(project: Any) -> Any:
    """A teacher of two modalities, and students of one sensor's images and of its series."""
    return project.write(VSKD)


def changed(project: Any, *settings: tuple[str, Any]) -> set[str]:
    """Steps whose key a change of the stages file changes."""
    before = {id_: step.key for id_, step in project.plan().steps.items()}
    after = {id_: step.key for id_, step in project.plan(*settings).steps.items()}
    return {id_ for id_ in before.keys() | after.keys() if before.get(id_) != after.get(id_)}


def test_every_series_is_a_step_of_its_own(vskd: Any) -> None:
    steps = vskd.plan().steps
    assert [id_ for id_ in steps if id_.startswith("gaf")] == ["gaf[inertial]", "gaf[accelerometer]"]
    assert steps["gaf[accelerometer]"].needs == ("encode[accelerometer]",)
    assert steps["gaf[accelerometer]"].recipe["params"]["size"] == 24
    assert steps["gaf[inertial]"].recipe["params"]["size"] == 16
    only = vskd.plan(("stages.gaf.modalities", ["accelerometer"])).steps
    assert [id_ for id_ in only if id_.startswith("gaf")] == ["gaf[accelerometer]"]


def test_a_model_reads_the_form_that_it_takes(vskd: Any) -> None:
    steps = vskd.plan().steps
    assert steps[f"cnn[{FOLD}]"].work["features"] == {"accelerometer:series": "encode[accelerometer]"}
    assert steps[f"evaluate[student,{FOLD}]"].work["features"] == {"accelerometer:images": "gaf[accelerometer]"}
    assert steps[f"student[{FOLD}]"].work["features"] == {
        "skeleton": "encode[skeleton]",
        "accelerometer": "encode[accelerometer]",
        "accelerometer:images": "gaf[accelerometer]",
    }


def test_the_size_of_images_concerns_their_students_alone(vskd: Any) -> None:
    assert changed(vskd, ("stages.gaf.accelerometer.size", 32)) == {
        "gaf[accelerometer]", f"student[{FOLD}]", f"evaluate[student,{FOLD}]"
    }  # fmt: skip
    assert changed(vskd, ("stages.gaf.inertial.size", 32)) == {"gaf[inertial]"}


def test_a_series_window_concerns_images_of_it(vskd: Any) -> None:
    assert changed(vskd, ("stages.encode.inertial.window", 24)) == {"encode[inertial]", "gaf[inertial]"}


def test_another_loss_concerns_its_student_alone(vskd: Any) -> None:
    student = {f"student[{FOLD}]", f"evaluate[student,{FOLD}]"}
    assert changed(vskd, ("stages.student.loss", {"name": "dask", "semantic": 0})) == student
    assert changed(vskd, ("stages.student.loss", "hinton")) == student


def test_weights_by_file_count_by_their_content(vskd: Any) -> None:
    here, there = vskd.folder / "here.safetensors", vskd.folder / "there.safetensors"
    here.write_bytes(b"some weights")
    there.write_bytes(b"some weights")
    settings = [("stages.student.model.weights", name) for name in (here.name, there.name)]
    first, second = (vskd.plan(each).steps[f"student[{FOLD}]"] for each in settings)
    assert first.key == second.key
    assert first.recipe["params"]["model"]["weights"].startswith("sha256:")
    assert first.key != vskd.plan().steps[f"student[{FOLD}]"].key
    there.write_bytes(b"other weights")
    assert vskd.plan(settings[1]).steps[f"student[{FOLD}]"].key != first.key


TWO = {"encode-2": {"stage": "encode", "accelerometer": {"window": 24}}}
MISTAKES: dict[str, tuple[list[tuple[str, Any]], list[str]]] = {
    "no images of a modality": (
        [("stages.gaf.modalities", ["inertial"])],
        ["stages.student.needs: no needed entry gives images of accelerometer", "gaf entries give inertial"],
    ),
    "no gaf entry": (
        [("stages.student.needs", ["encode", "teacher"])],
        ["stages.student.needs: no needed entry gives images", "add a gaf entry to needs"],
    ),
    "a skeleton has no images": (
        [("stages.gaf.modalities", ["skeleton"])],
        ["stages.gaf.modalities: skeleton is not a series", "known: inertial, accelerometer"],
    ),
    "an unknown parameter": (
        [("stages.gaf.sise", 3)],
        ["stages.gaf.sise: no such key, and no such modality", "did you mean `size`?"],
    ),
    "an unknown parameter of a modality": (
        [("stages.gaf.accelerometer.sise", 3)],
        ["stages.gaf.accelerometer.sise: no such key", "did you mean `size`?"],
    ),
    "a fixed scaling without a range": (
        [("stages.gaf.scaling", "fixed")],
        ["stages.gaf.range: scaling: fixed needs it", "give the value that becomes 1"],
    ),
    "no series is kept": (
        [("stages.encode.accelerometer.keep_series", False)],
        ["stages.gaf: encode keeps no series of accelerometer", "stages.encode.accelerometer.keep_series: true"],
    ),
    "two encodings of one modality": (
        [("stages.encode-2", TWO["encode-2"]), ("stages.gaf.needs", ["encode-2"])],
        ["stages.student.needs: accelerometer comes from two encodings", "one encode entry"],
    ),
    "no series to render": (
        [("modalities", ["skeleton"]), ("stages.teacher.modalities", ["skeleton"])],
        ["stages.gaf: there is no series to render", "add an inertial modality"],
    ),
    "a student without features": (
        [("stages.cnn.needs", ["teacher"])],
        ["stages.cnn.needs: teacher is of stage train; train can need encode or gaf"],
    ),
    "several modalities for a model of one": (
        [("stages.teacher.model", "trn")],
        ["stages.teacher.modalities: trn takes one modality, not skeleton, accelerometer", "choose one: [skeleton]"],
    ),
    "a weights file that is not there": (
        [("stages.student.model.weights", "nowhere.pth")],
        ["stages.student.model.weights: no such weights file", "give a .safetensors or .pth file"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_wiring_is_named(vskd: Any, name: str) -> None:
    settings, parts = MISTAKES[name]
    with pytest.raises(ConfigError) as caught:
        vskd.plan(*settings)
    assert all(part in str(caught.value) for part in parts), str(caught.value)


def test_it_runs_and_a_second_run_has_nothing_to_do(vskd: Any) -> None:
    assert len(vskd.run()) == 1 + 3 + 2 + 3 + 3
    assert vskd.reasons() == {}
    step = vskd.plan().steps[f"evaluate[student,{FOLD}]"]
    metrics = vskd.plan().store.output("evaluate", step.key).read_json("metrics.json", dict)
    assert 0 <= metrics["top1"] <= 1
    assert metrics["per_modality"].keys() == {"accelerometer"}
    assert vskd.run(("stages.gaf.accelerometer.render", "on-the-fly")) == [
        "gaf[accelerometer]", f"student[{FOLD}]", f"evaluate[student,{FOLD}]"
    ]  # fmt: skip


def test_recipes_are_as_they_are_read_again(vskd: Any) -> None:
    """A list of parameters is no tuple: else it would differ from that of an earlier output, which JSON gave."""
    scaling = [("stages.gaf.accelerometer.scaling", "fixed"), ("stages.gaf.accelerometer.range", [1, 2, 3])]
    steps = vskd.plan(*scaling).steps
    assert steps["gaf[accelerometer]"].recipe["params"]["range"] == [1.0, 2.0, 3.0]
    assert all(json.loads(json.dumps(step.recipe)) == step.recipe for step in steps.values())
