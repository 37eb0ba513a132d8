"""The robustness stage: its figures are those of models run by hand; it is cached, and goes on where it was killed."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load

from store.features import open_features
from trainers.fit.saved_model import ModelConfig, load_model
from trainers.models.dmft.params import StudentParams
from trainers.models.dmft.student import DMFTStudent

DIGEST = 32  # bytes in front of what a scratch file holds
HARMLESS = {harm: [] for harm in ("noise", "packet_loss", "saturation", "clock_offset", "clock_drift", "rotation")}


def with_tests(small: dict[str, Any], **params: Any) -> dict[str, Any]:
    """A teacher of two sensors and a student of one, tested."""
    stages = {name: small["stages"][name] for name in ("encode", "teacher", "student")}
    stages["teacher"]["fit"] = stages["student"]["fit"] = {"epochs": 2}
    stages["student"]["modalities"] = ["inertial"]
    needs = {"needs": ["teacher", "student"]}
    return {**small, "stages": {**stages, "evaluate": needs, "robustness": {**needs, **params}}}


def found(project: Any, model: str, stage: str = "robustness", name: str = "robustness.json") -> Any:
    plan = project.plan()
    step = next(each for each in plan.steps.values() if each.stage == stage and each.axes["model"] == model)
    return plan.store.output(stage, step.key).read_json(name, dict)


def figures(project: Any, model: str) -> dict[tuple[Any, ...], float]:
    """Top-1 by condition: absent modalities, or modality, harm and strength."""
    listed = found(project, model)["conditions"]
    return {
        (*each["absent"], *((each["modality"], each["harm"], each["strength"]) if each["harm"] else ())): each["top1"]
        for each in listed
    }


def test_figures_are_those_of_the_evaluation_and_of_models_run_by_hand(project: Any, small: dict[str, Any]) -> None:
    project.write(with_tests(small, **{**HARMLESS, "saturation": [0.25], "clock_offset": [0.5]})).run()
    teacher = figures(project, "teacher")
    assert teacher[()] == found(project, "teacher", "evaluate", "metrics.json")["top1"]
    assert {key for key in teacher if len(key) == 1} == {("skeleton",), ("inertial",)}
    assert [key for key in figures(project, "student") if len(key) == 1] == []  # one sensor is never absent
    student = figures(project, "student")
    assert [key for key in student if key] == [("inertial", "saturation", 0.25), ("inertial", "clock_offset", 0.5)]
    assert student["inertial", "saturation", 0.25] == saturated_by_hand(project, 0.25)


def saturated_by_hand(project: Any, share: float) -> float:
    """Clip the stored series in numpy, pool its windows, and ask the stored model."""
    plan = project.plan()
    step = next(each for each in plan.steps.values() if each.entry == "student")
    stored = open_features(plan.store.output("encode", plan.steps["encode[inertial]"].key))
    series, window, stride = stored.read("series", None), stored.attributes["window"], stored.attributes["stride"]
    sides = step.work["split"].as_work()
    train, test = ([row for row, _ in sides[side]] for side in ("train", "test"))
    low, high = series[train].min((0, 1)), series[train].max((0, 1))
    middle, half = (low + high) / 2, share * (high - low) / 2
    clipped = np.clip(series[test], middle - half, middle + half)
    assert not np.array_equal(clipped, series[test])
    starts = range(0, stored.attributes["patches"] * stride, stride)
    windows = [clipped[:, at : at + window] for at in starts]
    patches = np.stack([np.concatenate([each.mean(1), each.std(1)], -1) for each in windows], 1)

    def build(config: ModelConfig) -> DMFTStudent:
        return DMFTStudent(config.shapes, len(config.classes), StudentParams(**config.params))

    model, _ = load_model(plan.store.output("train", step.key).read_bytes("model.safetensors"), build)
    with torch.inference_mode():
        logits = model({"inertial": torch.from_numpy(patches.astype(np.float32))}, {})["logits"]
    labels = [label for _, label in sides["test"]]
    return float((logits.argmax(-1).numpy() == labels).mean())


def test_the_weighted_vote_goes_by_streams_accuracy_on_the_training_side(project: Any, small: dict[str, Any]) -> None:
    project.write(with_tests(small, **HARMLESS, vote="weighted")).run()
    weights = found(project, "teacher")["weights"]
    assert weights.keys() == {f"{name}/{way}" for name in ("skeleton", "inertial") for way in ("temporal", "spatial")}
    plan = project.plan()
    step = next(each for each in plan.steps.values() if each.stage == "evaluate" and each.axes["model"] == "teacher")
    output = plan.store.output("evaluate", step.key)
    probabilities = load(output.read_bytes("probabilities.safetensors"))
    labels = [row[1] for row in step.work["split"].as_work()["test"]]
    voted = sum(weights[name] * probabilities[name].astype(np.float64) for name in weights)
    expected = float((voted.argmax(-1) == labels).mean())
    assert figures(project, "teacher")[()] == pytest.approx(expected)


def test_it_is_cached_and_a_parameter_makes_its_own_steps_stale(project: Any, small: dict[str, Any]) -> None:
    project.write(with_tests(small, **HARMLESS)).run()
    assert project.run() == []
    assert {each.partition("[")[0] for each in project.reasons(("stages.robustness.seed", 1))} == {"robustness"}
    stale = project.reasons(("stages.student.fit.lr", 0.5))
    assert {each.partition(",")[0] for each in stale} == {
        "student[subjects=odd",
        "evaluate[student",
        "robustness[student",
    }


def test_a_killed_test_goes_on_with_what_it_has(
    project: Any, small: dict[str, Any], tmp_path: Path, until: Any, children: Any, gone: Any, kill_group: Any
) -> None:
    many = {**HARMLESS, "noise": [each / 4 for each in range(400)]}
    project.write(with_tests(small, **many)).run(until="evaluate")
    key = next(each.key for each in project.plan().steps.values() if each.stage == "robustness")
    folder = project.store / "outputs" / "robustness" / key

    def scratch() -> list[Path]:
        return [*folder.glob("*.scratch/conditions.json")]

    process = project.start("run")
    until(lambda: bool(scratch()) and len(json.loads(scratch()[0].read_bytes()[DIGEST:])) > 20)
    workers = children(process.pid)
    kill_group(process)
    assert gone(workers), "a worker outlived its run"
    had = json.loads(scratch()[0].read_bytes()[DIGEST:])
    assert 20 < len(had) < 803
    marked = [{**each, "top1": 0.123} for each in had]  # so that it shows whether they were tested again
    content = json.dumps(marked).encode()
    scratch()[0].write_bytes(sha256(content).digest() + content)
    said = project.command("run").stdout
    assert "what absent and harmed sensors cost: `pipeline results --robustness`" in said
    listed = found(project, "teacher")["conditions"]
    assert [each["top1"] for each in listed[: len(had)]] == [0.123] * len(had)
    whole = type(project)(tmp_path / "unbroken").write(with_tests(small, **many))
    whole.run()
    assert found(whole, "teacher")["conditions"][len(had) :] == listed[len(had) :]
    assert len(listed) == 803  # whole, two absent, 400 strengths of each sensor


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"packet_loss": [1.5]}, "stages.robustness.packet_loss"),
        ({"vote": "loud"}, "stages.robustness.vote"),
        ({"needs": ["encode"]}, "encode is of stage encode; robustness can need train or distil"),
    ],
)
def test_mistakes_are_named(project: Any, small: dict[str, Any], change: dict[str, Any], said: str) -> None:
    project.write(with_tests(small, **change))
    assert said in project.command("status", code=2).stderr


def test_a_model_of_one_modality_cannot_train_without_it(project: Any, small: dict[str, Any]) -> None:
    values = with_tests(small)
    values["stages"]["student"]["augment"] = {"modality_dropout": 0.3}
    said = project.write(values).command("status", code=2).stderr
    assert "stages.student.augment.modality_dropout: the model sees inertial alone, which cannot be absent" in said


def test_a_recipe_without_modality_dropout_has_no_word_of_it(project: Any, small: dict[str, Any]) -> None:
    plan = project.write(with_tests(small)).plan()
    augment = [step.recipe["params"]["augment"] for step in plan.steps.values() if step.stage == "train"]
    assert [sorted(each) for each in augment] == [
        ["crop", "feature_jitter", "inertial_rotation", "jitter", "scale", "skeleton_rotation", "time_warp"]
    ] * 2
