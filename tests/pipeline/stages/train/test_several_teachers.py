"""A student of two teachers that see different modalities, from the stages file to the results."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import safetensors.numpy

from store import Store

SHORT = {"epochs": 1, "batch": 8}
STAGES: dict[str, Any] = {
    "encode": {},
    "body": {"stage": "train", "needs": ["encode"], "model": "dmft", "modalities": ["skeleton"], "fit": SHORT},
    "wrist": {"stage": "train", "needs": ["encode"], "model": "cnn1d", "modalities": ["inertial"], "fit": SHORT},
    "distilled": {
        "stage": "distil",
        "needs": ["encode", "wrist", "body"],
        "model": "dmft-lite",
        "modalities": ["inertial"],
        "loss": {"name": "hinton", "select": "agree"},
        "teacher_seed": "all",
        "fit": SHORT,
    },
    "evaluate": {"needs": ["distilled"]},
}
STAGES["encode"] = {"inertial": {"keep_series": True}}


def test_two_teachers_of_other_modalities_and_of_all_seeds(project: Any, small: dict[str, Any]) -> None:
    project.write(small | {"stages": STAGES, "seeds": [0, 1]})
    project.command("run", "--together", "2")
    store, plan = Store.open(str(project.store)), project.plan()
    assert set(plan.states.values()) == {"cached"}
    students = [step for step in plan.steps.values() if step.entry == "distilled"]
    taught = {step.key for step in plan.steps.values() if step.entry in ("body", "wrist")}
    assert len(students) == 2
    weights = []
    for step in students:
        output = store.output(step.stage, step.key)
        assert {*output.manifest.recipe["teacher"]} == taught
        assert taught < {*output.manifest.inputs}
        assert output.manifest.provenance["together"] == 2
        weights.append(safetensors.numpy.load(output.read_bytes("model.safetensors")))
    assert any(not np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])
    for row in json.loads(project.command("results", "--json").stdout):
        assert (row["model"], row["modalities"], row["n"]) == ("distilled", ["inertial"], 2)
    said = project.command("results"), project.command("status")
    assert all("note: distilled: taught by the mean of wrist, body, 2 seeds of each" in each.stdout for each in said)
    assert "distilled (2 cached) <- encode, wrist, body" in project.command("graph").stdout
    why = project.command("explain", students[0].id).stdout
    assert all(key in why for key in taught)
