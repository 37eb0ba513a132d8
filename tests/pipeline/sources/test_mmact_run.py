"""MMAct from files to features: what the encode stage makes of clips whose sensors start and end at other times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import StepError
from store import Store
from store.features import open_features

from .mmact_files import SENSORS, line, stamp, write_lines, write_mp4

SPANS = {  # seconds of each sensor of every clip, and its rate
    "acc_phone_clip": (0.0, 1.0, 100),
    "acc_watch_clip": (0.05, 1.1, 100),
    "gyro_clip": (0.1, 1.2, 50),
    "orientation_clip": (0.0, 0.9, 50),
}
SHARED = (0.1, 0.9)
EXPERIMENT: dict[str, Any] = {
    "source": {"name": "mmact", "root": "data", "views": "all"},
    "modalities": ["rgb", "inertial"],
    "protocol": "cross-subject",
    "stages": {
        "encode": {
            "rgb": {"backbone": "squeezenet1_1", "weights": "none", "image_size": 32, "patches": 2, "window": 1},
            "inertial": {"patches": 3},
        },
    },
}


def write(root: Path) -> None:
    """Two subjects, two sessions, two actions, two cameras. Each sensor's channels tell the time."""
    for subject in (1, 2):
        for session in (1, 2):
            for action in ("carrying", "Carrying_light"):
                clip = f"subject{subject}/scene1/session{session}/{action}.csv"
                for folder in SENSORS:
                    start, end, rate = SPANS[folder]
                    times = start + np.arange(round((end - start) * rate) + 1) / rate
                    lines = [line(stamp(t), [t, 10 + t, 20 + t]) for t in times]
                    write_lines(root, folder, reversed(lines), clip=clip)
                for camera in (1, 2):
                    place = f"subject{subject}/cam{camera}/scene1/session{session}/{action}.mp4"
                    write_mp4(root / "trimmed_x" / place, 4 + camera)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    root = tmp_path / "project" / "data"
    write(root)
    return root


def encoded(project: Any, modality: str) -> tuple[list[dict[str, Any]], Any]:
    """The table of recordings and one modality's arrays."""
    store, steps = Store.open(str(project.store)), project.plan().steps
    table = store.output("index", steps["index"].key).read_bytes("recordings.jsonl").splitlines()
    step = next(s for s in steps.values() if s.stage == "encode" and s.axes["modality"] == modality)
    arrays = open_features(store.output("encode", step.key))
    return [json.loads(row) for row in table], arrays


def test_clips_become_features(project: Any, clips: Path) -> None:
    project.write(EXPERIMENT).run()
    table, inertial = encoded(project, "inertial")
    assert len(table) == 2 * 2 * 2 * 2
    assert {row["action"] for row in table} == {"carrying", "carrying_light"}
    assert {(row["view"], row["lengths"]["rgb"]) for row in table} == {("1", 5), ("2", 6)}
    series = inertial.read("series")
    assert series.shape == (16, 36, 12)
    told = np.linspace(*SHARED, 36)[:, None] + np.tile([0, 10, 20], 4)  # the span that all four sensors share
    np.testing.assert_allclose(series, np.broadcast_to(told, series.shape), atol=1e-4)
    _, rgb = encoded(project, "rgb")
    assert rgb.read("valid").all()


def test_broken_and_missing_sensors_are_listed_and_skipped(project: Any, clips: Path) -> None:
    (clips / "gyro_clip/subject1/scene1/session1/carrying.csv").write_bytes(b"")
    (clips / "acc_watch_clip/subject2/scene1/session1/carrying.csv").unlink()
    values = {**EXPERIMENT, "modalities": ["inertial"], "source": {"name": "mmact", "root": "data"}}
    with pytest.raises(StepError) as caught:
        project.write(values).run()
    said = str(caught.value)
    assert "2 files cannot be used" in said
    assert "acc_watch_clip/subject2/scene1/session1/carrying.csv: file is missing" in said
    assert "gyro_clip/subject1/scene1/session1/carrying.csv: is empty (0 bytes)" in said
    project.write({**values, "on_bad_recording": "skip"}).run()
    table, inertial = encoded(project, "inertial")
    valid = inertial.read("valid").all(axis=1)
    assert len(table) == 8  # once each, not once a camera
    bad = ["s01_scene1_session1_carrying_cam1", "s02_scene1_session1_carrying_cam1"]
    assert [row["id"] for row, ok in zip(table, valid, strict=True) if not ok] == bad
