"""``pipeline store ls``, ``show`` and ``du``: what is there, where it comes from, and what it is for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from store import Store
from store.maintenance.references import encode_ref, parse_ref


@pytest.fixture(scope="module")
def project(finished: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The finished experiment, whose first half another experiment uses, too; and an output that was only begun."""
    project = finished.copy(tmp_path_factory.mktemp("looked") / "at")
    store = Store.open(str(project.store))
    ((_, content),) = store.refs().items()
    told = parse_ref(content)
    steps = {id_: past for id_, past in told["steps"].items() if past["stage"] in ("index", "encode")}
    store.write_ref("other-1.json", encode_ref({**told, "steps": steps, "path": "/there/other.yaml"}))
    with store.draft("train", "begun", recipe={}, inputs=[]) as draft:
        draft.scratch_write("checkpoint", b"x" * 5000)
    return project


def json_of(project: Any, *arguments: str) -> Any:
    return json.loads(project.command("store", *arguments, "--json").stdout)


def test_ls(project: Any) -> None:
    listed = json_of(project, "ls")
    assert len(listed) == 10
    begun = next(each for each in listed if each["key"] == "begun")
    assert begun["state"] == "unfinished"
    (index,) = json_of(project, "ls", "--stage", "index")
    assert index["state"] == "published"
    assert index["user"]
    assert len(index["refs"]) == 2
    assert index["bytes"] >= 1000
    said = project.command("store", "ls", COLUMNS="120").stdout
    assert "encode[skeleton]" in said
    assert "UNFINISHED" in said
    assert "10 outputs" in said
    assert max(map(len, said.splitlines()[:-1])) <= 120


def test_ls_on_a_narrow_terminal(project: Any) -> None:
    said = project.command("store", "ls", COLUMNS="80").stdout
    assert max(map(len, said.splitlines()[:-1])) <= 80


def test_show(project: Any) -> None:
    steps = {each["id"]: each["key"] for each in project.status().values()}
    key = steps["encode[skeleton]"]
    said = project.command("store", "show", key[:8]).stdout
    for text in (f"encode {key}", "python", "torch", f"index {steps['index'][:12]}", "other.yaml", "recipe"):
        assert text in said
    shown = json_of(project, "show", key)
    assert [each["key"] for each in shown["parents"]] == [steps["index"]]
    assert steps["teacher[subjects=odd,seed=0]"] in {each["key"] for each in shown["children"]}
    assert len(shown["refs"]) == 2
    assert shown["provenance"]["seconds"] > 0
    assert shown["recipe"]["modality"]["name"] == "skeleton"
    assert len(json_of(project, "show", steps["evaluate[student,subjects=odd,seed=0]"])["refs"]) == 1


def test_du(project: Any) -> None:
    sums = json_of(project, "du")
    assert sums["stages"]["encode"]["outputs"] == 2
    by_ref = {each["path"]: each for each in sums["experiments"]}
    other = by_ref.pop("/there/other.yaml")
    (mine,) = by_ref.values()
    assert other["alone"]["outputs"] == 0
    assert other["shared"] == mine["shared"]
    assert other["shared"]["outputs"] == 3
    assert mine["alone"]["outputs"] == 6
    assert sums["left_behind"]["outputs"] == 1
    assert sums["left_behind"]["bytes"] >= 5000
    assert sums["unused"]["outputs"] == 0
    there = sum(path.stat().st_size for path in (project.store / "outputs").rglob("*") if path.is_file())
    assert abs(sums["bytes"] - there) < 5000  # the markers of families, and empty folders' locks
    assert "left behind" in project.command("store", "du").stdout


def test_other_stores(project: Any, tmp_path: Path) -> None:
    said = project.command("store", "du", "--set", f"store={project.store}").stdout
    assert said == project.command("store", "du", "--store", str(project.store)).stdout


def test_a_reference_that_cannot_be_read_is_told(finished: Any, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "project")
    Store.open(str(project.store)).write_ref("broken.json", b"{")
    done = project.command("store", "ls")
    assert "broken.json is no reference" in done.stderr
    assert "9 outputs" in done.stdout


MISTAKES = {
    "show zz": "no output in",
    "show e": "have keys that begin so",
    "show begun": "begun and never finished",
    "ls --stage encod": "did you mean `encode`",
    "du --store s4://bucket": "no store can be opened",
    "du -f missing.yaml": "no such stages file",
    "dust": "No such command 'dust'",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_mistakes(project: Any, arguments: str) -> None:
    if arguments == "show e":
        store = Store.open(str(project.store))
        for key in ("eeee", "eeef"):
            with store.draft("train", key, recipe={}, inputs=[]) as draft:
                draft.write("x", b"x")
    code = 1 if "begun" in arguments else 2
    assert MISTAKES[arguments] in project.command("store", *arguments.split(), code=code).stderr
    for key in ("eeee", "eeef"):
        project.remove("train", key)
