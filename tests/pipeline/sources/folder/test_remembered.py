"""A listing that is remembered is that of the folder as it is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.sources.folder import remembered, source
from pipeline.sources.folder.params import Params
from pipeline.sources.folder.source import Folder

DESCRIBED: Any = {
    "root": ".", "classes": ["walk", "run"],
    "streams": {"watch": {"rate": 50, "files": "**/{subject}_{label}.csv"}},
}  # fmt: skip
IN_A_TABLE: Any = {**DESCRIBED, "streams": {"watch": {"rate": 50}}, "table": "list.csv"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(remembered, "_SETTLED_NS", 0)
    root = tmp_path / "data"
    for path in ("a/1_walk.csv", "a/b/2_run.csv"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    (root / "list.csv").write_text("subject,label,watch\n1,walk,a/1_walk.csv\n")
    os.symlink(root / "a", root / "link")
    os.symlink(tmp_path / "disk/c", root / "c")
    time.sleep(0.02)  # the clock's tick
    return root


def listed(root: Path, described: Any) -> Any:
    return Folder(root, msgspec.convert(described, Params)).list()


def read_anew(root: Path, described: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr(remembered.Remembered, "get", lambda self: None)
        patch.setattr(remembered.Remembered, "put", lambda *args: None)
        return listed(root, described)


CHANGES: list[Callable[[Path], Any]] = [
    lambda root: (root / "a/b/3_walk.csv").touch(),
    lambda root: (root / "a/b/2_run.csv").unlink(),
    lambda root: (root / "a/b/2_run.csv").rename(root / "a/b/2_walk.csv"),
    lambda root: (root / "new").mkdir(),
    lambda root: (root / "a").rename(root / "d"),
    lambda root: ((root / "link").unlink(), os.symlink(root / "a/b", root / "link")),
    lambda root: ((root / "../disk/c").mkdir(parents=True), (root / "../disk/c/3_walk.csv").touch()),
    lambda root: (root / "list.csv").write_text("subject,label,watch\n2,run,a/b/2_run.csv\n"),
]


@pytest.mark.parametrize("described", [DESCRIBED, IN_A_TABLE], ids=["names", "table"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed(
    root: Path, change: Callable[[Path], Any], described: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(root, described)
    change(root)
    time.sleep(0.02)
    try:
        expected = read_anew(root, described, monkeypatch)
    except Exception as error:
        with pytest.raises(type(error)):
            listed(root, described)
        return
    assert listed(root, described) == expected == listed(root, described)


def test_nothing_is_listed_again_where_nothing_changed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = listed(root, DESCRIBED)
    monkeypatch.setattr(source, "find_files", lambda *args: pytest.fail("walked"))
    assert listed(root, DESCRIBED) == first
    with pytest.raises(pytest.fail.Exception):  # by another description
        listed(root, {**DESCRIBED, "ignore": ["x"]})


def test_what_changed_just_now_is_not_remembered(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_SETTLED_NS", 10**12)
    listed(root, DESCRIBED)
    monkeypatch.setattr(source, "find_files", lambda *args: pytest.fail("walked"))
    with pytest.raises(pytest.fail.Exception):
        listed(root, DESCRIBED)
