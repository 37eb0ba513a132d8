"""Two homes and a remote: one pays for the encoding, the other trains on it, without the raw data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.registry import STAGES
from store import Store

# What differs between them is the store's, and tried there; here once in a while.
HOMES = ["folder", pytest.param("s3", marks=pytest.mark.slow)]


@pytest.fixture(params=HOMES)
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "share")
    url: str = request.getfixturevalue("s3").url(tmp_path.name)
    return url


@pytest.fixture
def values(small: dict[str, Any], raw: Path) -> dict[str, Any]:
    """The small experiment on files."""
    return small | {"source": {"name": "utd-mhad", "root": str(raw)}}


def made(project: Any) -> set[str]:
    """Return who made what the store holds, by stage: the files' attempt names tell attempts apart."""
    store = Store.open(str(project.store))
    return {f"{stage}/{key}" for stage in STAGES for stage, key in store.outputs(stage) if store.has(stage, key)}


def figures(project: Any, *arguments: str) -> Any:
    return json.loads(project.command("results", "--json", *arguments).stdout)


def test_a_colleague_without_raw_data_trains_on_pulled_features(
    values: dict[str, Any], project: Any, raw: Path, remote: str, tmp_path: Path
) -> None:
    values["remote"] = [remote]
    project.write(values).run(until="encode")
    assert "0 there already" in project.command("push").stdout
    project.run()  # A's own models, which stay at home
    theirs = type(project)(tmp_path / "theirs").write(
        values | {"source": {"name": "utd-mhad", "root": str(tmp_path / "nowhere")}}
    )
    shutil.copy(project.file.with_suffix(".lock"), theirs.file.with_suffix(".lock"))
    cache = {"PIPELINE_CACHE": str(tmp_path / "cache")}
    states = {step["id"]: step["state"] for step in theirs.status(**cache).values()}
    assert {states[id_] for id_ in ("index", "encode[skeleton]", "encode[inertial]")} == {"remote"}
    said = json.loads(theirs.command("run", "--json", **cache).stdout)
    assert not [id_ for id_ in said["done"] if id_.startswith(("index", "encode"))]
    assert set(said["fetched"]) == {"encode[skeleton]", "encode[inertial]"}
    assert figures(theirs) == figures(project)
    mine, their = (Store.open(str(home.store)) for home in (project, theirs))
    for stage, key in their.outputs("encode"):
        assert their.manifest(stage, key) == mine.manifest(stage, key)


def test_what_a_remote_has_is_neither_made_nor_fetched_without_need(finished: Any, remote: str, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "mine")
    project.command("push", "--remote", remote)
    theirs = type(project)(tmp_path / "theirs").write({**_yaml(project), "remote": remote})
    said = theirs.command("run").stdout
    assert "3 fetched" in said
    assert "6 in a remote and not needed here" in said
    assert figures(theirs) == figures(project)
    assert "nothing to do" in theirs.command("run").stdout
    assert {name.partition("/")[0] for name in made(theirs)} == {"evaluate"}
    assert "6 pulled" in theirs.command("pull").stdout
    assert made(theirs) == made(project)
    assert "0 pulled" in theirs.command("pull", "--all").stdout
    assert "9 there already" in theirs.command("push").stdout


def test_a_run_pushes_what_it_made(project: Any, remote: str) -> None:
    project.command("run", "--until", "encode", "--push", PIPELINE_REMOTE=remote)
    there = Store.open(remote)
    assert {stage for stage, key in there.outputs() if there.has(stage, key)} == {"index", "encode"}
    named = json.loads(next(iter(there.refs().values())))
    assert set(named["steps"]) == {"index", "encode[skeleton]", "encode[inertial]"}


def test_one_entry_travels(finished: Any, remote: str, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "mine")
    assert "2 pushed" in project.command("push", "encode", "--remote", remote).stdout
    theirs = type(project)(tmp_path / "theirs").write(_yaml(project))
    assert "2 pulled" in theirs.command("pull", "encode", PIPELINE_REMOTE=remote).stdout
    assert {name.partition("/")[0] for name in made(theirs)} == {"encode"}


def test_a_mistyped_remote_is_told(project: Any, tmp_path: Path) -> None:
    remote = tmp_path / "mistyped" / "share"
    told = f"note: there is no store at the remote {remote}: check its name, or `pipeline push` makes one there\n"
    pulled = project.command("pull", code=1, PIPELINE_REMOTE=str(remote))
    assert told in pulled.stderr
    assert "error: there is no store at a remote\n" in pulled.stderr
    assert project.command("status", PIPELINE_REMOTE=str(remote)).stderr == told
    assert project.command("run", "--until", "encode", PIPELINE_REMOTE=str(remote)).stderr.count(told) == 1
    assert not remote.exists()
    project.command("push", PIPELINE_REMOTE=str(remote))
    assert project.command("pull", PIPELINE_REMOTE=str(remote)).stderr == ""


@pytest.mark.parametrize("command", ["push", "pull"])
def test_without_a_remote_there_is_one_line(finished: Any, tmp_path: Path, command: str) -> None:
    project = finished.copy(tmp_path / "mine")
    said = project.command(command, code=2).stderr
    assert "remote: names no store to" in said
    assert "PIPELINE_REMOTE" in said
    if command == "push":
        for itself in (".store", "../mine/.store"):
            assert "is the store itself" in project.command(command, "--remote", itself, code=2).stderr
    assert "no such entry" in project.command(command, "encoder", code=2).stderr
    assert "exclude each other" in project.command(command, "encode", "--all", code=2).stderr
    assert "unknown" in (said := project.command(command, code=2, PIPELINE_REMOTE="ftp://x/y").stderr) or "ftp" in said


def test_a_step_or_a_key_is_copied_alone(finished: Any, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "mine")
    remote = tmp_path / "share"
    steps = project.status()
    evaluated = steps["evaluate[student,subjects=odd,seed=0]"]
    there = {"PIPELINE_REMOTE": str(remote)}

    def sent(*arguments: str) -> set[str]:
        return {*json.loads(project.command(*arguments, "--json", **there).stdout)["sent"]}

    assert sent("push", "encode[skeleton]", evaluated["key"][:10]) == {"encode[skeleton]", evaluated["id"]}
    for name in ("encode[skeleton]", evaluated["id"]):
        project.remove(steps[name]["stage"], steps[name]["key"])
    other = ("--set", "stages.student.fit.epochs=2")  # in which no step has this evaluation
    key = f"evaluate/{evaluated['key'][:9]}"
    assert sent("pull", "encode[skeleton]", key, *other) == {"encode[skeleton]", f"evaluate {evaluated['key'][:12]}"}
    assert sent("pull", key) == set()
    assert json.loads(project.command("verify", key, "encode[skeleton]", "--json", *other).stdout)["checked"] == 2
    project.remove("encode", steps["encode[skeleton]"]["key"])
    assert sent("pull", "--force", "encode[skeleton]") == {"encode[skeleton]"}
    assert "no output in" in project.command("pull", "nobody", code=2, **there).stderr


def _yaml(project: Any) -> dict[str, Any]:
    import yaml

    values: dict[str, Any] = yaml.safe_load(project.file.read_text())
    return values


def test_everything_travels_with_what_uses_it(finished: Any, remote: str, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "mine")
    values = _yaml(project)
    (project.folder / "other.yaml").write_text(json.dumps(values | {"seeds": [1]}))
    project.command("run", "-f", "other.yaml", "--until", "student")
    assert "10 pushed" in project.command("push", "--all", "--remote", remote).stdout
    assert not json.loads(project.command("gc", "--store", remote, "--grace", "0s", "--json").stdout)["scraps"]
    named = {id_ for content in Store.open(remote).refs().values() for id_ in json.loads(content)["steps"]}
    assert "student[subjects=odd,seed=1]" in named
