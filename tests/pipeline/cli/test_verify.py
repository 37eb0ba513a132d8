"""``pipeline verify``: every wrong byte is named; what is set aside is made again."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest


def json_of(project: Any, *arguments: str, code: int = 0) -> Any:
    return json.loads(project.command("verify", *arguments, "--json", code=code).stdout)


@pytest.fixture
def project(finished: Any, tmp_path: Path) -> Any:
    return finished.copy(tmp_path / "project")


def objects(project: Any, stage: str, name: str) -> Path:
    return next(path for path in sorted((project.store / "outputs" / stage).rglob("*")) if path.name == name)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_whole_store(project: Any) -> None:
    assert "9 outputs" in project.command("verify").stdout
    assert "every SHA-256 compared: none damaged" in project.command("verify", "--all", "--deep").stdout
    assert "sizes compared: none damaged" in project.command("verify", "--size").stdout
    assert json_of(project, "encode")["checked"] == 2


def test_a_mistyped_store_is_not_found_whole(project: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for place in ("nowhere", "empty"):
        assert "there is no store at" in project.command("verify", "--store", str(tmp_path / place), code=2).stderr


def test_each_kind_of_damage_is_named(project: Any) -> None:
    model = objects(project, "train", "model.safetensors")
    flip(model)
    table = objects(project, "index", "recordings.jsonl")
    table.unlink()
    (table.parent / "extra.txt").write_text("x")
    probabilities = next((project.store / "outputs" / "evaluate").glob("*/2*/*"))
    probabilities.write_bytes(probabilities.read_bytes()[:-1])
    said = project.command("verify", "--all", code=1).stdout
    assert "  model.safetensors\n    expected SHA-256 " in said
    assert "\n    found    SHA-256 " in said
    assert "  recordings.jsonl\n" in said
    assert "    found    no such object" in said
    assert "extra.txt" in said
    assert "3 damaged" in said
    found = json_of(project, "--all", "--size", code=1)
    assert {each["stage"] for each in found["damaged"]} == {"index", "evaluate"}  # a flipped bit keeps the size
    assert [each["paths"] for each in found["foreign"]] == [["extra.txt"]]


def test_what_is_foreign_alone_is_no_damage(project: Any) -> None:
    (objects(project, "train", "model.safetensors").parent / "more").write_text("x")
    assert "objects that its manifest does not list" in project.command("verify").stdout


def test_damage_is_set_aside_and_made_again(project: Any) -> None:
    path = next((project.store / "outputs" / "evaluate").glob("*/2*/*"))
    before = path.read_bytes()
    flip(path)
    found = json_of(project, "--quarantine", code=1)
    (damage,) = found["damaged"]
    assert damage["step"].startswith("evaluate[")
    moved = Path(damage["quarantined"])
    assert json.loads((moved / "why.json").read_text())["why"]
    assert not path.exists()
    said = project.command("verify").stdout
    assert "8 outputs" in said
    assert "1 not there" in said
    project.run()
    again = next(each for each in (project.store / "outputs" / "evaluate").glob(f"{damage['key']}/2*/{path.name}"))
    assert again.read_bytes() == before
    assert "9 outputs" in project.command("verify").stdout


def test_a_manifest_that_cannot_be_read(project: Any) -> None:
    path = next((project.store / "outputs" / "train").glob("*/manifest.json"))
    path.write_bytes(b'{"format": 1')
    said = project.command("verify", "--all", code=1).stdout
    assert "manifest.json" in said
    assert "1 damaged" in said
    project.command("verify", "--all", "--quarantine", code=1)
    assert not path.exists()
    assert "8 outputs" in project.command("verify", "--all").stdout


def place(path: Path) -> None:
    """Put a file where a folder belongs."""
    if path.is_dir():
        shutil.rmtree(path)
    path.write_text("mine")


@pytest.mark.parametrize("where", ["outputs", "outputs/encode", "outputs/encode/*"])
def test_a_file_where_a_folder_belongs(project: Any, where: str) -> None:
    file = next(project.store.glob(where))
    place(file)
    name = str(file.relative_to(project.store))
    for everything in ((), ("--all",)):
        found = json_of(project, *everything, code=1)
        assert found["irregular"] == [{"path": name, "is": "a file where a folder belongs"}]
    said = project.command("run", code=1).stderr
    assert f"{file} is a file where a folder belongs; move it away" in said
    assert file.read_text() == "mine"


def test_what_cannot_be_set_aside_is_said_to_stay(project: Any) -> None:
    path = next((project.store / "outputs" / "evaluate").glob("*/manifest.json"))
    path.unlink()
    path.mkdir()
    place(project.store / "quarantine")
    why = f"{project.store / 'quarantine'} is a file where a folder belongs; move it away"
    checked = project.command("verify", "--quarantine", code=1)
    assert "was not set aside" in checked.stderr
    assert why in checked.stderr
    assert "with --quarantine" not in checked.stdout
    ran = project.command("run", code=1).stderr
    assert "it could not be set aside" in ran
    assert why in ran
    (project.store / "quarantine").unlink()
    project.command("run")
    project.command("verify")


def test_a_remote_is_checked_instead(project: Any, finished: Any, tmp_path: Path) -> None:
    remote = finished.copy(tmp_path / "remote")
    flip(objects(remote, "train", "model.safetensors"))
    project.command("verify")
    assert "1 damaged" in project.command("verify", "--remote", str(remote.store), code=1).stdout
    assert "1 damaged" in project.command("verify", "--all", "--store", str(remote.store), code=1).stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_is_no_damage(project: Any) -> None:
    objects(project, "train", "model.safetensors").chmod(0)
    said = project.command("verify", "--quarantine", code=1).stdout
    assert "cannot be checked" in said
    assert "none damaged" in said


MEDIUM = """
import os
from store.backends.local.backend import LocalBackend


def once(name):
    how = getattr(LocalBackend, name)

    def wrong(root, path, *where):
        pieces = how(root, path, *where)
        if not path.endswith(os.environ["WRONG"]):
            return pieces
        try:
            os.unlink(os.environ["WRONG_ONCE"])  # by whichever process comes first
        except FileNotFoundError:
            return pieces
        data = bytearray(pieces if name == "read" else b"".join(map(bytes, pieces)))
        data[len(data) // 2] ^= 1
        return bytes(data) if name == "read" else iter([bytes(data)])

    setattr(LocalBackend, name, wrong)


once("read")
once("stream")
"""


@pytest.fixture
def wrong_once(project: Any, tmp_path: Path) -> Any:
    """A function that runs a command whose disk, in every process of it, gives a wrong bit once."""
    (tmp_path / "medium").mkdir()
    (tmp_path / "medium" / "sitecustomize.py").write_text(MEDIUM)

    def command(path: str, *arguments: str, code: int = 0) -> Any:
        (tmp_path / "once").touch()
        environment = {
            "PYTHONPATH": f"{tmp_path / 'medium'}{os.pathsep}{project.code}",
            "WRONG": path,
            "WRONG_ONCE": str(tmp_path / "once"),
        }
        done = project.command(*arguments, code=code, **environment)
        assert not (tmp_path / "once").exists(), "it was not read"
        assert not (project.store / "quarantine").exists()
        return done

    return command


OBJECTS = ["model.safetensors", "manifest.json", "features/c/0/0/0"]


@pytest.mark.parametrize("path", OBJECTS)
def test_one_wrong_reading_is_no_damage(wrong_once: Any, path: str) -> None:
    said = wrong_once(path, "verify", "--all", "--quarantine").stdout
    assert "none damaged, 1 read wrong once" in said
    assert "warning: " in said
    assert f"{path} was read wrong once" in said
    (line,) = json.loads(wrong_once(path, "verify", "--all", "--json").stdout)["read_wrong_once"]
    assert path in line


@pytest.mark.parametrize("path", [OBJECTS[0], *(pytest.param(each, marks=pytest.mark.slow) for each in OBJECTS[1:])])
def test_a_run_keeps_what_it_read_wrong_once(wrong_once: Any, path: str) -> None:
    settings = ["--set", "stages.distilled.fit.epochs=2", "--jobs", "1"]
    done = wrong_once(path, "run", *settings)
    assert f"{path} was read wrong once" in done.stderr


def test_links_and_the_like_are_named(project: Any, tmp_path: Path) -> None:
    model = objects(project, "train", "model.safetensors")
    model.rename(tmp_path / "model")
    model.symlink_to(tmp_path / "model")
    os.mkfifo(project.store / "quarantine")
    said = project.command("verify", "--all", code=1).stdout
    assert "  model.safetensors\n    expected " in said
    assert "    found    a symbolic link" in said
    assert "quarantine, a FIFO" in said
    found = json_of(project, code=1)
    assert [each["is"] for each in found["irregular"]] == ["a symbolic link"]


MISTAKES = {
    "nothing": "WHAT nothing: no such entry or step in stages.yaml",
    "--size --deep": "exclude each other",
    "encode --all": "exclude each other",
    "--all --store nowhere": "there is no store at",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_mistakes(project: Any, arguments: str) -> None:
    assert MISTAKES[arguments] in project.command("verify", *arguments.split(), code=2).stderr
