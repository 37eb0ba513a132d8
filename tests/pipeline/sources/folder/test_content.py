"""What was read of long files to list them holds as long as the files are the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from pipeline.sources.folder.params import Params
from pipeline.sources.folder.source import Folder


def labelled(root: Path, *labels: str) -> None:
    lines = (f"{at / 10},{at},{label}" for at, label in enumerate(label for label in labels for _ in range(20)))
    (root / "1.csv").write_text("\n".join(["t,x,act", *lines, ""]))


def numbered(root: Path, *labels: str) -> None:
    np.save(root / "x.npy", np.zeros((2, 20, 1)))
    (root / "y.csv").write_text("\n".join(["who,act", *(f"1,{label}" for label in labels), ""]))


@pytest.mark.parametrize(
    ("write", "described"),
    [
        (
            labelled,
            {
                "streams": {"imu": {"rate": 10, "files": "{subject}.csv", "time": {"column": "t"}}},
                "segments": {"column": "act"},
            },
        ),
        (
            numbered,
            {
                "streams": {"imu": {"rate": 10, "files": "x.npy"}},
                "rows": {"subject": {"files": "y.csv", "column": "who"}, "label": {"files": "y.csv", "column": "act"}},
            },
        ),
    ],
)  # fmt: skip
def test_labels_changed_in_place_are_noticed_though_the_modification_time_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., None], described: Any
) -> None:
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "data"
    root.mkdir()

    def actions() -> list[str]:
        params = msgspec.convert({"root": ".", "classes": ["1", "2"], **described}, Params)
        recordings = Folder(root, params).list().recordings
        return [each.action for each in sorted(recordings, key=lambda each: (each.start or 0.0, each.id))]

    write(root, "1", "2")
    before = {path: os.stat(path) for path in root.iterdir()}
    assert actions() == ["1", "2"]
    write(root, "1", "1")
    for path, status in before.items():
        assert (os.stat(path).st_size, os.stat(path).st_ino) == (status.st_size, status.st_ino)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert {*actions()} == {"1"}


def test_a_workbook_is_read_once_its_package_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "data"
    root.mkdir()
    labelled(root, "1")
    book = openpyxl.Workbook()
    for row in (("t", "x", "act"), *((at / 10, at, "2") for at in range(20))):
        book.active.append(row)
    book.save(root / "2.xlsx")
    streams = {"imu": {"rate": 10, "files": ["{subject}.csv", "{subject}.xlsx"], "time": {"column": "t"}}}
    described = {"root": ".", "classes": ["1", "2"], "streams": streams, "segments": {"column": "act"}}
    params = msgspec.convert(described, Params)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "openpyxl", None)
        listing = Folder(root, params).list()
        assert [each.action for each in listing.recordings] == ["1"]
        assert "pip install openpyxl" in listing.unparsed[0].reason
    listing = Folder(root, params).list()
    assert [each.action for each in listing.recordings] == ["1", "2"]
    assert listing.unparsed == ()
