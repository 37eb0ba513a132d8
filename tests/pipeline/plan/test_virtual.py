"""Virtual sensors in a stages file: what they add to a plan, what they leave as it was, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import pipeline
from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan
from store.features import open_features

from ..project import Project

SENSOR: dict[str, Any] = {"skeleton": "skeleton", "joints": [8, 9, 10]}
CNN: dict[str, Any] = {
    "stage": "train",
    "needs": ["encode"],
    "modalities": ["accelerometer"],
    "model": {"name": "cnn1d", "width": 8},
    "fit": {"epochs": 2},
}
IMAGES: dict[str, Any] = {**CNN, "needs": ["gaf"], "model": {"name": "resnet18", "weights": "none"}}
VALUES: dict[str, Any] = {
    "source": {"name": "sample", "subjects": 2, "trials": 1, "streams": ["skeleton", "inertial"]},
    "modalities": ["skeleton", "accelerometer"],
    "protocol": "subject-50-50",
    "stages": {
        "encode": {"accelerometer": {"virtual": SENSOR}},
        "gaf": {"needs": ["encode"], "size": 16},
        "teacher": {**CNN, "modalities": ["skeleton", "accelerometer"], "model": {"name": "dmft-lite", "layers": 1}},
        "cnn": CNN,
        "images": IMAGES,
        "distilled": {**CNN, "stage": "distil", "needs": ["encode", "teacher"], "loss": "hinton"},
        "evaluate": {"needs": ["teacher", "cnn", "distilled"]},
    },
}
SHARE = ("stages.cnn.augment.virtual", 0.5)


@pytest.fixture
def virtual(tmp_path: Any, project_at: Any) -> Project:
    project: Project = project_at(tmp_path / "virtual").write(VALUES)
    return project


def keys(plan: Plan) -> dict[str, str]:
    return {step.id: step.key for step in plan.steps.values()}


def changed(virtual: Project, **stages: Any) -> Project:
    return virtual.write({**VALUES, "stages": {**VALUES["stages"], **stages}})


def test_a_virtual_sensor_is_a_step_of_its_own_and_changes_no_other(virtual: Project) -> None:
    added = keys(virtual.plan())
    plain = keys(changed(virtual, encode={}).plan())
    assert {*added} - {*plain} == {"encode[accelerometer/virtual]"}
    assert plain.items() < added.items()


def test_only_models_that_take_virtual_recordings_depend_on_them(virtual: Project) -> None:
    before, after = keys(virtual.plan()), virtual.plan(SHARE)
    other = {id_ for id_, key in keys(after).items() if before.get(id_) != key}
    assert other == {id_ for id_ in before if "cnn" in id_}
    (trained,) = [step for step in after.steps.values() if step.entry == "cnn"]
    assert "encode[accelerometer/virtual]" in trained.needs
    moved = virtual.plan(SHARE, ("stages.encode.accelerometer.virtual.joints", [4, 5, 6]))
    assert keys(moved)[trained.id] != trained.key
    assert keys(moved)["encode[accelerometer]"] == before["encode[accelerometer]"]
    assert keys(virtual.plan(("stages.cnn.augment.virtual", 0))) == before


def test_labels_count_where_the_sensors_place_depends_on_them(virtual: Project) -> None:
    step = virtual.plan().steps["encode[accelerometer/virtual]"]
    assert "actions" not in step.recipe
    placed = virtual.plan(("stages.encode.accelerometer.virtual.classes", {"squat": None}))
    assert len(placed.steps[step.id].recipe["actions"]) == 64


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"skeleton": "accelerometer"}, r"virtual\.skeleton: accelerometer is no skeleton among `modalities`"),
        ({"classes": {"fly": None}}, r"virtual\.classes: fly is no class"),
        ({"joints": [8, 9]}, r"virtual\.joints: expected"),
        ({"smoothing": 0}, r"virtual\.smoothing: expected"),
    ],
)
def test_mistakes_are_told(virtual: Project, settings: dict[str, Any], said: str) -> None:
    sensor = {**SENSOR, **settings}
    with pytest.raises(ConfigError, match=said):
        changed(virtual, encode={"accelerometer": {"virtual": sensor}}).plan()


def test_a_skeleton_that_no_model_may_see_cannot_move_a_sensor(virtual: Project) -> None:
    stages = {"encode": VALUES["stages"]["encode"], "cnn": CNN}
    with pytest.raises(ConfigError, match="skeleton is no skeleton among `modalities`"):
        virtual.write({**VALUES, "modalities": ["accelerometer"], "stages": stages}).plan()


def test_a_model_without_a_virtual_sensor_cannot_take_its_recordings(virtual: Project) -> None:
    with pytest.raises(ConfigError, match=r"cnn\.augment\.virtual: no needed entry has a virtual sensor"):
        changed(virtual, encode={}).plan(SHARE)
    other = {"stage": "encode", "accelerometer": {"virtual": SENSOR, "window": 12}}
    cnn = {**CNN, "needs": ["gaf", "encode"], "augment": {"virtual": 0.5}}
    with pytest.raises(ConfigError, match="comes through encode, and its virtual sensor does not"):
        changed(virtual, encode={}, other=other, gaf={"needs": ["other"]}, cnn=cnn).plan()


def test_training_takes_them_and_its_teacher_and_tests_do_not(virtual: Project) -> None:
    augment = {"virtual": 1.0}
    stages = {name: {**VALUES["stages"][name], "augment": augment} for name in ("cnn", "images", "distilled")}
    changed(virtual, **stages).run()
    plan = virtual.plan()
    stored = {
        name: open_features(plan.store.output("encode", plan.steps[f"encode[{name}]"].key))
        for name in ("accelerometer", "accelerometer/virtual")
    }
    real, made = (each.read("series") for each in stored.values())
    assert real.shape == made.shape
    sizes = [np.linalg.norm(each, axis=-1) for each in (real, made)]
    each = [np.corrcoef(one, other)[0, 1] for one, other in zip(*sizes, strict=True)]
    assert np.median(each) > 0.5  # one movement, seen twice
    rows = json.loads(virtual.command("results", "--json").stdout)
    assert {row["model"] for row in rows} == {"teacher", "cnn", "distilled"}
    teacher = next(step for step in plan.steps.values() if step.entry == "teacher")
    assert all("virtual" not in need for need in teacher.needs)
    experiment = pipeline.open(virtual.file)
    seen = experiment.dataset("cnn", augment=True)[0]["inputs"]["accelerometer:series"]
    stored_row = experiment.dataset("cnn")[0]["inputs"]["accelerometer:series"]
    assert seen.shape == stored_row.shape
