"""A package outside this one that adds a source, a model, a loss and a stage by entry points, in real processes."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainers.models.registry import MODELS

from .page import examples, write_recordings


def install(site: Path, name: str = "herd", **points: dict[str, str]) -> None:
    """Install the page's package into a folder, as pip would lay it out; with further entry points, by group."""
    shown = examples()
    project = tomllib.loads(shown["pyproject.toml"])["project"]
    groups = points or project["entry-points"]
    package, info = site / name, site / f"{name}-{project['version']}.dist-info"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for file in ("cows.py", "swing.py", "edges.py", "tiny.py", "follow.py", "smooth.py"):
        (package / file).write_text(shown[file])
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {project['version']}\n")
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in of.items()) for group, of in groups.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))


@pytest.fixture
def herd(tmp_path: Path, make_experiment: Callable[[Path], Any]) -> Any:
    """The page's experiment by the names of an installed package."""
    install(tmp_path / "site")
    return make_experiment(tmp_path)


@pytest.fixture
def make_experiment(project_at: Callable[[Path], Any]) -> Callable[[Path], Any]:
    def make(folder: Path) -> Any:
        project = project_at(folder / "herd")
        project.code = Path(f"{folder / 'site'}{os.pathsep}{project.code}")
        stages = re.sub(r"\w+\.py:(\w+)", lambda found: found[1].lower(), examples()["stages.yaml"])
        project.folder.mkdir()
        project.file.write_text(stages.replace("seeds: [0, 1]", "seeds: [0]").replace("epochs: 2", "epochs: 1"))
        write_recordings(project.folder / "data")
        return project

    return make


def status(project: Any) -> dict[str, Any]:
    found = json.loads(project.command("status", "--json").stdout)
    return {step["id"].partition("[")[0]: step for step in found["steps"] if step["state"] != "cached"}


def test_it_runs_and_its_code_is_in_the_keys(herd: Any) -> None:
    shown = herd.command("run").stdout
    assert re.search(r"student +collar +\d", shown)
    assert status(herd) == {}
    tiny, init = (herd.folder.parent / "site/herd" / name for name in ("tiny.py", "__init__.py"))
    tiny.write_text(tiny.read_text().replace("hidden.mean(-1)", "hidden.amax(-1)"))
    stale = status(herd)
    assert {*stale} == {"student", "evaluate"}
    assert "source file herd/tiny.py changed" in str(stale["student"])
    (herd.folder.parent / "site/herd/unused.py").write_text("x = 1\n")
    tiny.write_text(tiny.read_text().replace("hidden.amax(-1)", "hidden.mean(-1)  # as before"))
    assert status(herd) == {}
    init.write_text("x = 1\n")  # which all of its modules run
    assert {*status(herd)} == {"index", "encode", "smooth", "teacher", "student", "evaluate"}


def test_names_that_are_known(herd: Any) -> None:
    told = herd.command("status", "--set", "stages.student.model=tini", code=2).stderr
    assert f"did you mean `tiny`? known: {', '.join(MODELS)}, tiny" in told
    told = herd.command("status", "--set", "stages.smooth.stage=smoot", code=2).stderr
    assert "did you mean `smooth`? known: encode, gaf, train, distil, ensemble, evaluate, robustness, smooth" in told
    site = herd.folder.parent / "site"
    install(site, "flock", **{"harvest.models": {"tiny": "flock.tiny:Tiny"}})
    told = herd.command("status", code=2).stderr
    assert "stages.student.model: tiny is an entry point of 2 packages: " in told
    assert {"flock.tiny:Tiny", "herd.tiny:Tiny"} <= {*re.findall(r"\w+\.tiny:Tiny", told)}
    for path in (site / "flock-1.dist-info").iterdir():
        path.unlink()
    (site / "flock-1.dist-info").rmdir()
    assert "todo" in herd.command("status").stdout
    (site / "herd/tiny.py").unlink()
    told = herd.command("status", code=2).stderr
    assert "no module herd.tiny is installed here" in told


def test_a_module_is_named_in_full_and_ours_go_first(tmp_path: Path, make_experiment: Callable[[Path], Any]) -> None:
    install(tmp_path / "site", **{"harvest.models": {"cnn1d": "herd.tiny:Tiny"}})
    project = make_experiment(tmp_path)
    text = project.file.read_text()
    for name, full in (
        ("cows", "cows:Cows"),
        ("swing", "swing:Swing"),
        ("smooth,", "smooth:Smooth,"),
        ("tiny", "tiny:Tiny"),
        ("follow", "follow:Follow"),
    ):
        text = re.sub(rf"(name|stage|loss|reduce): {name}", rf"\1: herd.{full}", text)
    project.file.write_text(text)
    explained = project.command("explain", "teacher").stdout
    assert "herd" not in explained
    assert "todo" in project.command("status").stdout
