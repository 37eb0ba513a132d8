"""A folder that was pushed to, behind a web server: whoever has no recordings trains on it, and nobody writes to it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ....nginx import serve
from ...project import SMALL, Project

PREFIX = "/datasets/owner/name/resolve/main/features"


@pytest.fixture(scope="module")
def values(raw_folder: Path) -> dict[str, Any]:
    """The small experiment on files, with one model."""
    stages = {name: SMALL["stages"][name] for name in ("encode", "student")} | {"evaluate": {"needs": ["student"]}}
    return {**SMALL, "source": {"name": "utd-mhad", "root": str(raw_folder)}, "stages": stages}


@pytest.fixture(scope="module")
def home(
    values: dict[str, Any], project_at: Callable[[Path], Project], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """The experiment of whoever has the recordings: features are pushed to a folder beside it, models are not."""
    project = project_at(tmp_path_factory.mktemp("home") / "project").write(values)
    project.run(until="encode")
    assert "3 pushed" in project.command("push", "--remote", "../features").stdout
    project.run()
    return project


@pytest.fixture
def pushed(home: Project) -> Path:
    return home.folder.parent / "features"


@pytest.fixture
def hub(pushed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The same as a dataset, whose files of arrays are served from another port."""
    with serve(pushed) as storage:
        large = f"location ~ ^{PREFIX}/(.*/c/.*)$ {{ return 302 {storage}/$1; }}"
        small = f"location {PREFIX}/ {{ alias {pushed}/; }}"
        with serve(pushed / "nothing", f"{large}\n{small}") as endpoint:
            monkeypatch.setenv("HF_ENDPOINT", endpoint)
            yield "hf://datasets/owner/name/features"


@pytest.fixture(params=["https", "hf"])
def remote(request: pytest.FixtureRequest, pushed: Path) -> Iterator[str]:
    if request.param == "hf":
        yield request.getfixturevalue("hub")
    else:
        with serve(pushed) as url:
            yield url


def colleague(home: Project, values: dict[str, Any], remote: str, folder: Path) -> Project:
    """Return the experiment of whoever has the stages file and its lock, and no recordings."""
    away = {"source": {"name": "utd-mhad", "root": str(folder / "nowhere")}, "remote": remote}
    theirs = type(home)(folder).write(values | away)
    shutil.copy(home.file.with_suffix(".lock"), theirs.file.with_suffix(".lock"))
    return theirs


def figures(project: Project) -> Any:
    return json.loads(project.command("results", "--json").stdout)


def test_a_colleague_without_the_data_gets_the_same_figures(
    home: Project, values: dict[str, Any], remote: str, tmp_path: Path
) -> None:
    theirs = colleague(home, values, remote, tmp_path / "theirs")
    pulled = theirs.command("pull")
    assert "3 pulled" in pulled.stdout
    assert "remote" not in pulled.stderr
    said = json.loads(theirs.command("run", "--json").stdout)
    assert {id_.partition("[")[0] for id_ in said["done"]} == {"student", "evaluate"}
    assert figures(theirs) == figures(home)


def test_damage_is_found_and_what_cannot_be_done_there_is_refused(
    home: Project, values: dict[str, Any], pushed: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shutil.copytree(pushed, shared)
    with serve(shared) as url:
        theirs = colleague(home, values, url, tmp_path / "theirs")
        checked = json.loads(theirs.command("verify", "--remote", url, "--json").stdout)
        assert (checked["checked"], checked["damaged"]) == (3, [])
        large = max(shared.glob("outputs/encode/*/*/features/c/*/*/*"), key=lambda path: path.stat().st_size)
        large.write_bytes(large.read_bytes()[:-1] + b"?")
        assert f"{url}/{large.relative_to(shared)} changed after" in theirs.command("pull", code=1).stderr
        checked = json.loads(theirs.command("verify", "--remote", url, "--json", code=1).stdout)
        assert len(checked["damaged"]) == 1
        for arguments, said in {
            ("push", "--remote", url): "behind a web server a store is only read",
            ("pull", "--all"): "a web server gives files by their names",
            ("gc", "--store", url): "a web server gives files by their names",
        }.items():
            assert said in theirs.command(*arguments, code=1).stderr
        refused = theirs.command("status", "--set", f"store={url}", code=2).stderr
        assert "is behind a web server, where nothing can be written" in refused
    away = theirs.command("status", PIPELINE_TIMEOUT_SECONDS="0.2").stderr
    assert f"note: remote {url} is left out: cannot read {url}/store.json: no answer" in away
