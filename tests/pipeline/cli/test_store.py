"""``pipeline store ls``, ``show``, ``path`` and ``du``: what is there, where it comes from, and what it is for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import zarr
from safetensors.numpy import load_file

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


def test_show_takes_an_entry_or_a_step_as_well(project: Any) -> None:
    steps = {each["id"]: each["key"] for each in project.status().values()}
    by_key = json_of(project, "show", steps["encode[skeleton]"])
    assert json_of(project, "show", "encode[skeleton]") == by_key
    assert json_of(project, "show", "encode[skeleton]", "--store", str(project.store)) == by_key
    assert json_of(project, "show", "index")["key"] == steps["index"]
    assert json_of(project, "show", "encode") == [
        {"id": id_, "stage": "encode", "key": steps[id_], "state": "cached"}
        for id_ in ("encode[skeleton]", "encode[inertial]")
    ]
    said = project.command("store", "show", "encode").stdout
    assert "encode[inertial]" in said
    assert steps["encode[inertial]"][:12] in said


def test_path_is_where_other_programs_read(project: Any) -> None:
    steps = {each["id"]: each["key"] for each in project.status().values()}

    def path(*what: str) -> Path:
        said = project.command("store", "path", *what).stdout
        assert said.endswith("\n")
        assert said.count("\n") == 1
        return Path(said[:-1])

    encoded = path("encode[skeleton]")
    assert encoded.is_absolute()
    assert encoded.is_relative_to(project.store / "outputs" / "encode" / steps["encode[skeleton]"])
    assert path(steps["encode[skeleton]"][:8]) == encoded == path(steps["encode[skeleton]"][:8], "--store", ".store")
    features = zarr.open_group(str(encoded), mode="r")["features"]
    assert features.shape[0] == json.loads(project.command("inspect", "--json").stdout)["recordings"]
    assert load_file(path("teacher[subjects=odd,seed=0]") / "model.safetensors")


def test_path_of_what_is_not_here_says_how_to_get_it(finished: Any, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "here")
    remote = tmp_path / "there"
    shutil.copytree(project.store, remote)
    step = project.status()["encode[skeleton]"]
    project.remove("encode", step["key"])
    said = project.command("store", "path", "encode[skeleton]", code=1)
    assert said.stdout == ""
    assert "has not run: `pipeline run --until encode`" in said.stderr
    assert "has not run" in project.command("store", "show", step["key"][:9], code=1).stderr
    said = project.command("store", "path", "encode[skeleton]", code=1, PIPELINE_REMOTE=str(remote))
    assert f"but in {remote}: `pipeline pull 'encode[skeleton]'`" in said.stderr
    pulled = project.command("pull", "encode[skeleton]", PIPELINE_REMOTE=str(remote)).stdout
    assert pulled.startswith("1 pulled")
    project.command("store", "path", "encode[skeleton]")


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
    def said(*place: str) -> str:
        return str(project.command("store", "du", *place).stdout)

    before, named = said("--set", f"store={project.store}"), said("--store", str(project.store))
    assert named in (before, said("--set", f"store={project.store}"))  # ages grow


def test_a_reference_that_cannot_be_read_is_told(finished: Any, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "project")
    Store.open(str(project.store)).write_ref("broken.json", b"{")
    done = project.command("store", "ls")
    assert "broken.json is no reference" in done.stderr
    assert "9 outputs" in done.stdout


MISTAKES = {
    "show zz": "no such entry or step in stages.yaml, and no output in",
    "show zz --store .store": "has a key that begins so",
    "show encodd": "did you mean `encode`?",
    "path encode[skeletn]": "did you mean `encode[skeleton]`?",
    "path encode": "has 2 steps\n  name one of them:\n  encode[skeleton]\n  encode[inertial]",
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
