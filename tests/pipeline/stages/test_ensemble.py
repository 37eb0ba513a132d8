"""The ensemble stage: trained models vote as one by a rule, and are evaluated and taught from as any model."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

from pipeline.errors import ConfigError


def with_vote(small: dict[str, Any], **params: Any) -> dict[str, Any]:
    """A teacher of two sensors, a student of one, and both as one that votes."""
    stages = {name: small["stages"][name] for name in ("encode", "teacher", "student")}
    stages["teacher"]["fit"] = stages["student"]["fit"] = {"epochs": 2}
    stages["student"]["modalities"] = ["inertial"]
    vote = {"stage": "ensemble", "needs": ["teacher", "student"], **params}
    return {**small, "stages": {**stages, "vote": vote, "evaluate": {"needs": ["teacher", "student", "vote"]}}}


def probabilities(project: Any, model: str, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    plan = project.plan()
    axes = {"model": model, "seed": str(seed)}
    step = next(s for s in plan.steps.values() if s.stage == "evaluate" and axes.items() <= s.axes.items())
    return load(plan.store.output("evaluate", step.key).read_bytes("probabilities.safetensors"))


def test_the_product_rule_multiplies_what_streams_say(project: Any, small: dict[str, Any]) -> None:
    project.write(with_vote(small, weights={"skeleton": 0.5})).run()
    teacher, student = probabilities(project, "teacher"), probabilities(project, "student")
    logs = [
        (0.5 if "skeleton" in name else 1.0) * np.log(values)
        for streams in (teacher, student)
        for name, values in streams.items()
        if name != "vote"
    ]
    product = np.exp(sum(logs) / (0.5 * 2 + 2 + 2))
    expected = product / product.sum(1, keepdims=True)
    np.testing.assert_allclose(probabilities(project, "vote")["vote"], expected, rtol=1e-4)
    assert probabilities(project, "vote").keys() == teacher.keys()  # the student's streams are joined with its own


def test_the_sum_rule_of_one_model_is_its_own_vote(project: Any, small: dict[str, Any]) -> None:
    project.write(with_vote(small, needs=["teacher"], rule="sum")).run()
    alone, voted = probabilities(project, "teacher"), probabilities(project, "vote")
    assert alone.keys() == voted.keys()
    np.testing.assert_allclose(voted["vote"], alone["vote"], rtol=1e-5)


def test_another_weight_trains_nothing_again(project: Any, small: dict[str, Any]) -> None:
    project.write(with_vote(small)).run()
    stale = project.reasons(("stages.vote.weights.inertial", 0.5))
    assert {each.partition("[")[0] for each in stale} == {"vote", "evaluate"}


def test_what_says_the_same_is_one_model(project: Any, small: dict[str, Any]) -> None:
    def key(weights: dict[str, float]) -> str:
        plan = project.write(with_vote(small, weights=weights)).plan()
        return next(str(step.key) for step in plan.steps.values() if step.stage == "ensemble")

    assert key({}) == key({"inertial": 1, "skeleton": 1.0}) != key({"inertial": 2})


def test_members_that_set_different_shares_apart_are_refused(project: Any, small: dict[str, Any]) -> None:
    experiment = with_vote(small)
    experiment["source"]["subjects"] = 6
    experiment["stages"]["teacher"]["fit"] = {"epochs": 1, "validation": 0.4}
    with pytest.raises(ConfigError, match=r"stages\.vote\.needs: its members set different shares"):
        project.write(experiment).plan()


def test_one_of_all_seeds_is_one_model(project: Any, small: dict[str, Any]) -> None:
    experiment = with_vote(small, needs=["student"], seeds="all", rule="sum")
    project.write({**experiment, "seeds": [0, 1]}).run()
    for stream in ("vote", "inertial/temporal", "inertial/spatial"):
        of_seeds = [probabilities(project, "student", seed)[stream] for seed in (0, 1)]
        np.testing.assert_allclose(probabilities(project, "vote")[stream], sum(of_seeds) / 2, rtol=1e-4)
    assert sum(step.stage == "ensemble" for step in project.plan().steps.values()) == 1


@pytest.mark.parametrize("seeds", ["own", "all"])
def test_a_student_is_taught_by_it_stream_by_stream(project: Any, small: dict[str, Any], seeds: str) -> None:
    experiment = with_vote(small, seeds=seeds)
    taught = {
        "stage": "distil",
        "needs": ["encode", "vote"],
        "model": small["stages"]["student"]["model"],
        "modalities": ["inertial"],
        "loss": "dmft-kd",
        "fit": {"epochs": 1},
    }
    experiment["stages"] |= {"taught": taught, "evaluate": {"needs": ["taught", "vote"]}}
    done = project.write({**experiment, "seeds": [0, 1]}).run()
    assert sum(each.startswith("taught") for each in done) == 2


def test_a_loss_on_feature_maps_is_refused_before_anything_runs(project: Any, small: dict[str, Any]) -> None:
    experiment = with_vote(small)
    cnn = {"model": "cnn1d", "modalities": ["inertial"]}
    taught = {"stage": "distil", "needs": ["encode", "vote"], "loss": "attention", **cnn}
    experiment["stages"] |= {"taught": taught, "evaluate": {"needs": ["taught"]}}
    with pytest.raises(ConfigError, match=r"stages\.taught\.loss: attention compares feature maps, and vote"):
        project.write(experiment).plan()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"weights": {"depth": 1}}, "stages.vote.weights.depth: no member has a stream of it"),
        ({"weights": {"inertial+skeleton": 1}}, "stages.vote.weights.inertial+skeleton: no member has a stream of it"),
        ({"weights": {"skeleton": 0, "inertial": 0, "skeleton+inertial": 0}}, "stages.vote.weights: nothing counts"),
        ({"needs": ["encode"]}, "encode is of stage encode; ensemble can need train or distil"),
        ({"needs": []}, "needs nothing"),
        ({"rule": "majority"}, "stages.vote.rule"),
    ],
)
def test_what_cannot_vote_is_refused_before_anything_runs(
    project: Any, small: dict[str, Any], params: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        project.write(with_vote(small, **params)).plan()
