"""Models that are solved in closed form: what a stages file may say of them, and what their keys hold."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.run.batching import batch_signature

from ..project import Project

SOLVED = {"stage": "train", "needs": ["encode"], "model": "rocket", "modalities": ["inertial"]}


@pytest.fixture
def solved(project: Project, small: dict[str, Any]) -> Project:
    """The small experiment with a solved model, which teaches the student."""
    small["source"]["subjects"] = 4
    small["stages"]["rocket"] = SOLVED
    small["stages"]["distilled"] |= {"needs": ["encode", "rocket"], "loss": "hinton"}
    small["stages"]["evaluate"]["needs"] = ["teacher", "student", "distilled", "rocket"]
    return project.write(small)


def recipe(project: Project, *settings: tuple[str, Any]) -> Any:
    return next(step for step in project.plan(*settings).steps.values() if step.entry == "rocket").recipe


def key(project: Project, *settings: tuple[str, Any]) -> str:
    return next(step for step in project.plan(*settings).steps.values() if step.entry == "rocket").key


def test_what_the_fit_loop_has_at_the_top_is_for_others(solved: Project) -> None:
    before = key(solved)
    assert key(solved, ("fit", {"epochs": 7, "lr": 0.5, "loss": "joint", "balance": "loss"})) == before
    shared = ("fit", {"validation": 0.25, "patience": 3})
    assert key(solved, shared) == key(solved, ("stages.rocket.fit", {"validation": 0.25})) != before
    assert recipe(solved)["params"]["fit"]["epochs"] == 1


def test_augmentation_is_part_of_the_key_where_there_are_copies(solved: Project) -> None:
    jitter = ("stages.rocket.augment", {"jitter": 0.5})
    assert key(solved, jitter) == key(solved)
    copies = ("stages.rocket.model", {"name": "rocket", "copies": 2})
    assert key(solved, copies, jitter) != key(solved, copies) != key(solved)
    assert key(solved, ("stages.rocket.augment", None)) == key(solved)


REFUSED = [
    ("stages.rocket.fit.lr", 0.1, "fit.lr: means nothing to rocket"),
    ("stages.rocket.fit.epochs", 3, "fit.epochs: means nothing to rocket"),
    ("stages.rocket.fit", {"validation": 0.25, "patience": 3}, "fit.patience: means nothing to rocket"),
    ("stages.rocket.fit.lrr", 3, "fit.lrr: means nothing to rocket"),
    ("stages.rocket.fit.validation", 2, "fit.validation: "),
    ("stages.rocket.fit", 3, "fit: "),
    ("stages.rocket.model.features", 83, "model.features: "),
    ("stages.rocket.model.copies", -1, "model.copies: "),
    ("stages.distilled.model", "rocket", "model: rocket is solved in closed form, and no loss of a teacher is"),
    ("stages.distilled.model", "ridge", "model: ridge is solved in closed form, and no loss of a teacher is"),
]


@pytest.mark.parametrize(("setting", "value", "said"), REFUSED)
def test_what_means_nothing_to_it_is_refused_when_it_is_planned(
    solved: Project, setting: str, value: Any, said: str
) -> None:
    if setting.startswith("stages.rocket.model."):
        setting, value = "stages.rocket.model", {"name": "rocket", setting.rpartition(".")[2]: value}
    with pytest.raises(ConfigError) as raised:
        solved.plan((setting, value))
    assert f".{said}" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 2  # the problem, and what to do


def test_copies_without_augmentation_are_refused(solved: Project) -> None:
    settings = ("stages.rocket.augment", None), ("stages.rocket.model", {"name": "rocket", "copies": 2})
    with pytest.raises(ConfigError, match=r"stages\.rocket\.model\.copies: 2 copies of each recording would all be"):
        solved.plan(*settings)


def test_it_is_never_trained_together_with_others(solved: Project) -> None:
    plan = solved.plan(("seeds", [0, 1]))
    signatures = [batch_signature(plan, step) for step in plan.steps.values() if step.entry == "rocket"]
    assert signatures == [None, None]
