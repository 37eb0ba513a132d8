"""Made twice, with other bytes: told by whoever asks a remote, and replaced by whoever says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from store import Store

STUDENT = "student[subjects=odd,seed=0]"


@pytest.fixture
def remote(tmp_path: Path) -> str:
    return str(tmp_path / "share")


def name(project: Any, id_: str) -> tuple[str, str]:
    step = project.plan().steps[id_]
    return step.stage, step.key


def objects(store: Store, name: tuple[str, str]) -> Any:
    output = store.output(*name)
    output.verify()
    return output.manifest.objects


def remake(project: Any, id_: str, more: bytes) -> None:
    """Put another output in the place of one, as `run --force` does whose values differ."""
    store, of = Store.open(str(project.store)), name(project, id_)
    old = store.output(*of)
    with store.draft(*of, recipe=old.manifest.recipe, inputs=old.manifest.inputs) as draft:
        for path in old.entries:
            draft.write(path, old.read_bytes(path))
        draft.write("more", more)
        draft.publish({"user": "ada\x1b[31m", "host": "gpu1"}, replace=True)


@pytest.fixture
def homes(finished: Any, remote: str, tmp_path: Path) -> tuple[Any, Any]:
    """One who pushed everything and then made the student again, and a colleague who pulled before that."""
    mine = finished.copy(tmp_path / "mine")
    values = yaml.safe_load(mine.file.read_text()) | {"remote": remote}
    mine.write(values)
    mine.command("push")
    theirs = type(mine)(tmp_path / "theirs").write(values)
    theirs.command("pull")
    remake(mine, STUDENT, b"mine")
    return mine, theirs


def test_is_told_and_replaced_and_taken(homes: tuple[Any, Any], remote: str) -> None:
    mine, theirs = homes
    there, student = Store.open(remote), name(mine, STUDENT)
    old, new = objects(there, student), objects(Store.open(str(mine.store)), student)
    assert old != new

    said = mine.command("push", "--json")  # it stays, and that is no error
    assert json.loads(said.stdout)["differs"].keys() == {STUDENT}
    assert STUDENT in json.loads(said.stdout)["there"]
    assert f"{STUDENT}: the remote's was made" in said.stderr
    assert "pipeline push --force student" in said.stderr
    assert objects(there, student) == old

    assert "9 there already (1 of them differ)" in mine.command("push").stdout
    assert "pipeline pull --force student" in mine.command("status", "--compare").stdout
    steps = {
        step["id"]: step["differs"]
        for step in json.loads(mine.command("status", "--compare", "--json").stdout)["steps"]
    }
    assert [id_ for id_, told in steps.items() if told] == [STUDENT]
    assert "nothing that is cached differs" in theirs.command("status", "--compare").stdout

    assert "1 pushed" in mine.command("push", "--force", "student").stdout
    assert objects(there, student) == new
    (why,) = [path for path in there._root.list_paths("quarantine") if path.endswith("why.json")]
    note = json.loads(there._root.read(why))
    assert (note["stage"], note["key"]) == student
    assert "replaced by another one" in note["why"]
    kept = [path for path in there._root.list_paths("quarantine") if "/objects/" in path]
    assert len(kept) == len(old)
    assert not json.loads(mine.command("push", "--json").stdout)["differs"]

    said = theirs.command("pull", "--json")
    assert json.loads(said.stdout)["differs"].keys() == {STUDENT}
    assert "\x1b" not in said.stdout + said.stderr
    assert "by ada?[31m on gpu1" in said.stderr
    assert objects(Store.open(str(theirs.store)), student) == old
    ran = theirs.command("run", "--force", "evaluate", "--only", "evaluate")  # a run that uses it
    assert f"{STUDENT}: the remote's was made" in ran.stderr
    assert "differ" not in theirs.command("run").stderr  # one that does nothing asks nobody
    assert "1 pulled" in theirs.command("pull", "--force", "student").stdout
    assert objects(Store.open(str(theirs.store)), student) == new
    assert list((theirs.store / "quarantine" / student[0] / student[1]).glob("*/manifest.json"))
    assert not json.loads(theirs.command("pull", "--json").stdout)["differs"]


@pytest.mark.parametrize("content", [b"{", b""])
def test_a_manifest_that_is_damaged_there_is_told_and_replaced(finished: Any, tmp_path: Path, content: bytes) -> None:
    project, share = finished.copy(tmp_path / "mine"), tmp_path / "share"
    project.command("push", "--remote", str(share))
    (manifest,) = (share / "outputs" / "index").glob("*/manifest.json")
    manifest.write_bytes(content)
    said = project.command("push", "index", "--remote", str(share), code=1).stderr
    assert "index: " in said
    assert "--force WHAT" in said
    assert "1 pushed" in project.command("push", "--force", "index", "--remote", str(share)).stdout
    assert objects(Store.open(str(share)), name(project, "index"))


def test_force_names_entries(finished: Any, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "mine")
    for command in ("push", "pull"):
        assert "no such entry" in project.command(command, "--force", "studnet", code=2).stderr
        assert "exclude each other" in project.command(command, "--force", "student", "--all", code=2).stderr
