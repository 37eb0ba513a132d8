"""`fit` at the top of a stages file is the default of every entry that trains, key by key."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import ConfigError

from ..project import Project


def fits(project: Project, *settings: tuple[str, Any]) -> dict[str, dict[str, Any]]:
    steps = project.plan(*settings).steps.values()
    return {step.id: step.recipe["params"]["fit"] for step in steps if step.stage in ("train", "distil")}


def keys(project: Project, *settings: tuple[str, Any]) -> dict[str, str]:
    return {id_: step.key for id_, step in project.plan(*settings).steps.items()}


def test_an_entrys_own_keys_win(project: Project, small: dict[str, Any]) -> None:
    small["fit"] = {"epochs": 7, "lr": 0.5}
    small["stages"]["teacher"]["fit"] = {"lr": 0.25}
    del small["stages"]["student"]["fit"]
    found = {id_.partition("[")[0]: (fit["epochs"], fit["lr"]) for id_, fit in fits(project.write(small)).items()}
    assert found == {"teacher": (7, 0.25), "student": (7, 0.5), "distilled": (1, 0.5)}


def test_written_once_it_has_the_keys_of_what_is_written_everywhere(project: Project, small: dict[str, Any]) -> None:
    for name in ("teacher", "student", "distilled"):
        small["stages"][name]["fit"] = {"epochs": 3, "warmup": 2}
    everywhere = keys(project.write(small))
    for name in ("teacher", "student", "distilled"):
        del small["stages"][name]["fit"]
    small["fit"] = {"epochs": 3, "warmup": 2.0}
    assert keys(project.write(small)) == everywhere
    assert keys(project, ("fit.epochs", 4)) != everywhere


def test_keys_are_what_they_were_where_it_says_a_default(project: Project, small: dict[str, Any]) -> None:
    before = keys(project)
    small["fit"] = {"lr": 0.001, "balance": "none"}
    assert keys(project.write(small)) == before


def test_set_and_matrix_reach_it(project: Project, small: dict[str, Any]) -> None:
    small["matrix"] = {"fit.lr": [0.1, 0.2]}
    found = fits(project.write(small), ("fit.clip", 2))
    assert {fit["clip"] for fit in found.values()} == {2.0}
    assert sorted(fit["lr"] for id_, fit in found.items() if id_.startswith("teacher")) == [0.1, 0.2]
    assert any("lr=0.1" in id_ for id_ in found)


@pytest.mark.parametrize(
    ("value", "said"),
    [({"epoch": 3}, "fit.epoch: no such key"), ({"epochs": 0}, "fit.epochs: "), (3, "fit: ")],
)
def test_a_mistake_is_told_where_it_stands(project: Project, small: dict[str, Any], value: Any, said: str) -> None:
    project.write(small | {"fit": value})
    line = next(i for i, text in enumerate(project.file.read_text().splitlines(), 1) if text.startswith("fit:"))
    with pytest.raises(ConfigError) as raised:
        project.plan()
    lines = (line, line + 1)  # the key may stand on the next one
    assert any(str(raised.value).startswith(f"{project.file}:{each}: {said}") for each in lines)


def test_a_mistaken_setting_is_told_as_one(project: Project) -> None:
    with pytest.raises(ConfigError, match=r"^--set fit.epochs"):
        project.plan(("fit.epochs", "many"))
