"""``pipeline inspect RECORDING --rerun FILE``: what is in the file, read back by rerun's own reader."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.inspect.opened import open_listed, recording_named

Run = Callable[..., Any]
NAME = "a01_s1_t1"


@pytest.fixture
def stages(experiment: Path) -> str:
    """A stages file of eight recordings in UTD-MHAD's layout, depth, skeleton and inertial."""
    return str(experiment / "stages.yaml")


def read(file: Path) -> dict[str, Any]:
    """Return the rows of each entity that has times, as tables."""
    from rerun.chunk import RrdReader

    found: dict[str, Any] = {}
    for chunk in RrdReader(str(file)).stream():
        if not chunk.is_static and chunk.timeline_names:
            found.setdefault(chunk.entity_path, []).append(chunk.to_record_batch())
    return found


def column(batches: list[Any], name: str) -> list[Any]:
    return [value for batch in batches for value in batch.column(name).to_pylist()]


def seconds(batches: list[Any]) -> np.ndarray:
    return np.concatenate([batch.column("seconds").cast("int64").to_numpy() for batch in batches]) / 1e9


def test_its_streams_on_their_seconds(said_here: Run, stages: str, tmp_path: Path) -> None:
    pytest.importorskip("rerun")
    file = tmp_path / "one.rrd"
    for _ in range(2):  # its own file is written again
        said = said_here("inspect", NAME, "-f", stages, "--rerun", str(file))
        assert said.code == 0, said.err
        assert f"written: {file}" in said.err
    assert {each.name for each in tmp_path.iterdir()} == {"one.rrd", "experiment"}
    found = read(file)
    opened = open_listed(Path(stages), [], lambda *_: None)
    recording = recording_named(NAME, opened)
    inertial = opened.source.open_series(recording, "inertial").values
    assert sum(name.startswith("/inertial/") for name in found) == inertial.shape[1]
    for channel in range(inertial.shape[1]):
        batches = found[f"/inertial/{channel + 1}"]
        assert column(batches, "Scalars:scalars") == [[value] for value in inertial[:, channel]]
        assert seconds(batches) == pytest.approx(np.arange(len(inertial)) / 50, abs=1e-8)
    joints = opened.source.open_series(recording, "skeleton").values
    shown = column(found["/skeleton/joints"], "Points3D:positions")
    np.testing.assert_allclose(np.array(shown), joints, rtol=1e-6)
    bones = np.array(column(found["/skeleton/bones"], "LineStrips3D:strips"))
    assert bones.shape == (len(joints), 19, 2, 3)
    assert {tuple(end) for end in bones[0].reshape(-1, 3).tolist()} == {tuple(each) for each in shown[0]}
    with opened.source.open_video(recording, "depth") as video:
        length = video.length
    assert sum(batch.num_rows for batch in found["/depth"]) == length
    assert seconds(found["/depth"]) == pytest.approx(np.arange(length) / 30, abs=1e-8)


def test_a_stream_that_cannot_be_read_is_left_out(said_here: Run, stages: str, tmp_path: Path) -> None:
    pytest.importorskip("rerun")
    (Path(stages).parent / "data" / "Inertial" / f"{NAME.replace('a01', 'a1')}_inertial.mat").write_bytes(b"none")
    said = said_here("inspect", NAME, "-f", stages, "--rerun", str(tmp_path / "one.rrd"))
    assert said.code == 0, said.err
    assert "note: inertial is left out: " in said.err
    assert {name.split("/")[1] for name in read(tmp_path / "one.rrd")} == {"skeleton", "depth"}


def test_mistakes(said_here: Run, stages: str, tmp_path: Path) -> None:
    pytest.importorskip("rerun")
    said_here("inspect", "-f", stages, "--rerun", "a.rrd").refuses(2, "--rerun is of one recording")
    said_here("inspect", NAME, "-f", stages, "--rerun", "a.txt").refuses(2, "--rerun a.txt: does not end in .rrd")
    (tmp_path / "other.rrd").write_bytes(b"precious")
    said_here("inspect", NAME, "-f", stages, "--rerun", str(tmp_path / "other.rrd")).refuses(2, "not made by inspect")


def test_where_it_is_not_installed(said_here: Run, stages: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    said_here("inspect", NAME, "-f", stages, "--rerun", "a.rrd").refuses(2, "needs rerun-sdk", "pip install rerun-sdk")
