"""An error of the system while recordings are indexed or encoded fails the run; the next one knows nothing of it."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store import Store
from store.features import open_features

EXPERIMENT = """\
source: {name: utd-mhad, root: data}
modalities: [skeleton, inertial]
protocol: subject-50-50
on_bad_recording: skip
stages: {encode: {}}
"""
NAMES = ["a1_s1_t1", "a1_s2_t1", "a2_s1_t1", "a2_s2_t1"]
BAD = "Inertial/a2_s1_t1_inertial.mat"


@pytest.fixture
def folder(tmp_path: Path, write_recording: Callable[[Path, str], None]) -> Path:
    """Four whole recordings, and a stages file that skips broken ones."""
    for name in NAMES:
        write_recording(tmp_path / "data", name)
    for path in tmp_path.rglob("*.mat"):
        os.utime(path, (1.7e9, 1.7e9))  # so old that it is hashed once
    (tmp_path / "stages.yaml").write_text(EXPERIMENT)
    return tmp_path


def test_a_passing_error_leaves_no_trace(
    folder: Path, said: Callable[..., Any], said_here: Callable[..., Any], failing_io: Callable[..., dict[str, str]]
) -> None:
    options = ["-f", str(folder / "stages.yaml")]

    def cached() -> dict[str, str]:
        listed = json.loads(said_here("status", *options, "--json").out)
        assert listed["broken"] == []
        return {step["id"]: step["key"] for step in listed["steps"] if step["state"] == "cached"}

    def fails(number: int, calls: str) -> Any:
        return said("run", *options, "--jobs", "1", **failing_io(number, BAD, calls))

    assert cached() == {}  # and raw files are hashed
    system = "that is an error of the system, not of recording a02_s1_t1: check the disk"
    fails(errno.EIO, "read").refuses(1, f"error: index: {BAD}: Input/output error\n  {system}", "run again")
    assert cached() == {}
    assert said("run", *options, "--jobs", "1", "--until", "index").code == 0
    fails(errno.EMFILE, "open").refuses(1, f"error: encode[inertial]: {BAD}: Too many open files\n  {system}")
    assert cached().keys() == {"index", "encode[skeleton]"}
    assert said("run", *options, "--jobs", "1").code == 0
    store, keys = Store.open(f"{folder}/.store"), cached()
    assert store.output("index", keys["index"]).read_json("broken.json", list) == []
    inertial = store.output("encode", keys["encode[inertial]"])
    assert inertial.read_json("skipped.json", list) == []
    features = open_features(inertial).read("features")
    for row, name in zip(features, NAMES, strict=True):  # every value of a recording is its number
        assert (row[:, :6] == int("".join(filter(str.isdigit, name)))).all()
