"""A plug-in's reduction: in encoding, in training that augments, together with other plug-ins; and mistakes in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from pipeline.run.jobs import make_job
from pipeline.run.step.execute import execute_batch, make_context
from pipeline.stages.train.features import read_recordings
from store.features import open_features
from trainers.params import AugmentParams

from .test_mistakes import edit, said_by_a_plan, said_by_a_step

EXTREMES = """
import msgspec
import torch


class Extremes:
    class Params(msgspec.Struct):
        times: float = 1.0

    def __init__(self, params):
        self.times = params.times

    def __call__(self, windows):
        return self.times * torch.cat([windows.amax(2), windows.amin(2)], dim=-1)


class Median:
    def __init__(self, params):
        pass

    def __call__(self, windows):
        return windows.median(2).values
"""
FIT = {"epochs": 1}


@pytest.fixture
def own(project: Any, small: dict[str, Any]) -> Any:
    """Two modalities with reductions of one's own, and a model of patches."""
    (project.folder / "own.py").write_text(EXTREMES)
    encode = {
        "skeleton": {"reduce": {"name": "own.py:Extremes", "times": 2}, "patches": 6},
        "inertial": {"reduce": "./own.py:Median", "patches": 6},
    }
    model = {"name": "dmft-lite", "width": 16}
    student = {"stage": "train", "needs": ["encode"], "model": model, "fit": FIT, "augment": {"scale": 0.1}}
    stages = {"encode": encode, "student": student, "evaluate": {"needs": ["student"]}}
    return project.write({**small, "seeds": [0, 1], "stages": stages})


def test_encoding_and_training_reduce_alike(own: Any) -> None:
    assert len(own.run()) == 7
    plan = own.plan()
    for name, times in (("skeleton", 2), ("inertial", None)):
        stored = open_features(plan.store.output("encode", plan.steps[f"encode[{name}]"].key))
        series, window, stride = stored.read("series"), stored.attributes["window"], stored.attributes["stride"]
        if times:
            series = np.concatenate([series, np.diff(series, axis=1, prepend=series[:, :1])], axis=2)
        windows = np.stack([series[:, at * stride : at * stride + window] for at in range(6)], axis=1)
        both = np.concatenate([windows.max(2), windows.min(2)], axis=-1)
        expected = times * both if times else np.sort(windows, axis=2)[:, :, (window - 1) // 2]
        assert stored.read("features") == pytest.approx(expected, rel=1e-6)
    step = plan.steps["student[subjects=odd,seed=0]"]
    job = make_job(plan, step, "cpu")
    outputs = {each: plan.store.output(stage, key) for each, (stage, key) in job.inputs.items()}
    context = make_context(job, None, outputs, None, "cpu", lambda *_: None)  # type: ignore[arg-type]
    data, _ = read_recordings(context, "train", ["skeleton", "inertial"], AugmentParams())
    for each in data.inputs.values():
        derived = each.derive(each.series)  # type: ignore[union-attr, arg-type]
        torch.testing.assert_close(derived, each.take(torch.arange(len(data))))


def test_models_train_as_one(own: Any) -> None:
    own.run(until="encode")
    plan = own.plan()
    steps = [step for step in plan.steps.values() if step.entry == "student"]
    ends = list(execute_batch([make_job(plan, step, "cpu") for step in steps], lambda *_: None))
    assert [type(end.message).__name__ for end in ends] == ["StepDone", "StepDone"]
    assert plan.store.manifest(steps[0].stage, steps[0].key).provenance["together"] == 2


def test_its_code_and_parameters_are_in_the_keys_of_what_runs_it(own: Any) -> None:
    own.run()
    edit(own, "own.py", "self.times *", "self.times * 1 *")
    assert {id_.partition("[")[0] for id_ in own.reasons()} == {"encode", "student", "evaluate"}
    edit(own, "own.py", "self.times * 1 *", "self.times *")
    assert own.reasons() == {}
    assert "encode[inertial]" not in own.reasons(("stages.encode.skeleton.reduce.times", 3))
    assert "encode[skeleton]" in own.reasons(("stages.encode.skeleton.reduce.times", 3))


def test_a_stage_of_ones_own_reduces_with_it(own: Any) -> None:
    (own.folder / "twice.py").write_text(
        "class Twice:\n    def __init__(self, params):\n        pass\n"
        "    def __call__(self, series, rate):\n        return 2 * series\n"
    )
    settings = [
        ("stages.twice", {"stage": "twice.py:Twice", "needs": ["encode"], "modalities": ["inertial"]}),
        ("stages.student.needs", ["encode", "twice"]),
    ]
    own.run(*settings)
    plan = own.plan(*settings)
    encoded, twice = (
        open_features(plan.store.output(stage, plan.steps[f"{entry}[inertial]"].key)).read("features")
        for stage, entry in (("encode", "encode"), ("transform", "twice"))
    )
    assert twice == pytest.approx(2 * encoded)


MEDIAN = "return windows.median(2).values"
MISTAKES = [
    (MEDIAN, "return windows.numpy()", "gave ndarray, wanted a tensor of floating-point"),
    (MEDIAN, "return windows > 0", "gave torch.bool, wanted"),
    (MEDIAN, "return windows.mean((1, 2))", "gave a tensor (1, 6), wanted (1, 1, features)"),
    (MEDIAN, "return windows.median(2).values / 0", "gave a value that is not finite, of"),
    (MEDIAN, "return windows.median(9).values", "own.py:22 raised IndexError"),
    ("self, windows):\n        return windows.median", "self):\n        return self.me", "own.py:17 raised TypeError"),
]


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES)
def test_a_mistake_while_it_encodes(own: Any, old: str, new: str, said: str) -> None:
    edit(own, "own.py", old, new)
    own.run(until="index")
    message = said_by_a_step(own, "encode[inertial]")
    assert said in message
    assert "own.py" in message
    assert "defect" not in message


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("own.py:Nothing", "own.py has no class Nothing\n  its classes: Extremes, Median"),
        ("max", "no reduce 'max'\n  known: mean, mean-std, flatten"),
        ({"name": "maen"}, "did you mean `mean`?"),
        ({"name": "own.py:Extremes", "time": 3}, "reduce.time: no such key\n  did you mean `times`?"),
        ({"times": 3}, "names no reduce"),
    ],
)
def test_a_name_that_is_none(own: Any, value: Any, said: str) -> None:
    message = said_by_a_plan(own, ("stages.encode.skeleton.reduce", value))
    assert said in message
    assert message.startswith("--set stages.encode.skeleton.reduce")
