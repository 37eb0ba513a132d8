"""What `init` writes for folders of several kinds is encoded as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .folders import body, turning, wrist, write_json, write_table


def _each() -> Iterator[tuple[int, str]]:
    return ((subject, label) for subject in range(1, 7) for label in ("walk", "wave"))


def _joints_in_no_known_order(root: Path) -> None:
    order = np.random.default_rng(1).permutation(20)
    for subject, label in _each():
        np.save(root / f"s{subject}_{label}_skeleton.npy", body("kinect20", 40 + subject)[:, order])


def _mediapipe(root: Path) -> None:
    for subject, label in _each():
        frames = body("blazepose33", 20, up="-y", seed=subject)
        points = [[dict(zip("xyz", map(float, joint), strict=True)) for joint in frame] for frame in frames]
        write_json(root / f"s{subject}_{label}.json", points)


def _arrays_with_times(root: Path) -> None:
    for subject, label in _each():
        samples = 80 + 10 * subject
        times = np.arange(samples) / 50
        np.savez(root / f"s{subject}_{label}.npz", acc=wrist(samples), gyro=turning(samples, 300.0), time=times)


def _labels_in_long_files(root: Path) -> None:
    for subject in range(1, 7):
        labels = np.repeat(["null", "walk", "run"], 400)
        columns = [1.7e9 + np.arange(1200) / 50, *wrist(1200).T, labels]
        write_table(root / f"subject{subject}.csv", columns, ("time", "ax", "ay", "az", "activity"))


@pytest.mark.parametrize("make", [_joints_in_no_known_order, _mediapipe, _arrays_with_times, _labels_in_long_files])
def test_what_is_written_is_encoded(
    make: Callable[[Path], None], tmp_path: Path, project_at: Callable[[Path], Any]
) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "data").mkdir()
    make(tmp_path / "data")
    project = project_at(tmp_path)
    project.command("init", "data", "--yes")
    assert "index" in project.run(until="encode")
    steps = {id: step["state"] for id, step in project.status().items()}
    assert {state for id, state in steps.items() if id.startswith(("index", "encode"))} == {"cached"}
