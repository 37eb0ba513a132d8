"""UP-Fall: a table a trial with two lines of names, dates with microseconds, and frames of a camera as pictures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

PLACES = ("Ankle", "RightPocket", "Belt", "Neck", "Wrist")
SENSORS = [f"{place}{kind}" for place in PLACES for kind in ("Accelerometer", "AngularVelocity", "Luminosity")]
STARTED = datetime(2018, 7, 4, 12, 4, 17, 738369)


def head() -> str:
    """The sensors' names above their first axes; below, axes and units, and nothing for the last four columns."""
    first, second = ["TimeStamps"], ["Time"]
    for sensor in SENSORS:
        axes = ["illuminance (lx)"] if sensor.endswith("Luminosity") else [f"{axis}-axis" for axis in "xyz"]
        first += [sensor, *[""] * (len(axes) - 1)]
        second += axes
    first += ["BrainSensor", *["Infrared"] * 6, "Subject", "Activity", "Trial"]
    second += ["RAW", *["RAW"] * 6]
    return ",".join(first) + "\n" + ",".join(second) + "\n"


def rows(subject: int, activity: int, trial: int, samples: int) -> list[list[object]]:
    """Column c of sample i is c + i / 100."""
    return [
        [
            (STARTED + timedelta(milliseconds=55 * at)).isoformat(),
            *(f"{column + at / 100:.4f}" for column in range(2, 37)),
            77, *[1] * 6, subject, activity, trial, activity,
        ]
        for at in range(samples)
    ]  # fmt: skip


def test_trials(write: Callable[..., None], recipe: Callable[..., Any]) -> None:
    for subject in (1, 2, 3, 10, 17):
        for activity in (1, 11):
            name = f"Subject{subject}/Activity{activity}/Trial2/Subject{subject}Activity{activity}Trial2.csv"
            write(name, rows(subject, activity, 2, 90), ",", head=head())
    found = recipe("up-fall")
    assert found.listing.unparsed == ()
    assert sorted((each.subject, each.action, each.session) for each in found.listing.recordings) == [
        (subject, label, "2")
        for subject in ("1", "10", "17", "2", "3")
        for label in ("falling_forward_hands", "laying")
    ]
    at = np.arange(90)
    for modality, column in (("ankle", 2), ("pocket", 9), ("belt", 16), ("neck", 23), ("wrist", 30)):
        values, times = found.series(found.listing.recordings[0].id, modality)
        assert values == pytest.approx(np.stack([column + offset + at / 100 for offset in range(6)], axis=1))
        assert times == pytest.approx(0.055 * at)


def test_frames_of_a_camera(write: Callable[..., None], recipe: Callable[..., Any], tmp_path: Path) -> None:
    for subject, activity in product(range(1, 6), (6, 10)):
        name = f"Subject{subject}Activity{activity}Trial1"
        write(f"{name}.csv", rows(subject, activity, 1, 40), ",", head=head())
        (tmp_path / f"{name}Camera1").mkdir()
        for second in (19, 20, 21):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), second, np.uint8), format="rgb24")
            codec = av.CodecContext.create("png", "w")
            codec.width, codec.height, codec.pix_fmt, codec.time_base = 64, 48, "rgb24", 1
            data = b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])
            (tmp_path / f"{name}Camera1" / f"2018-07-04T12_04_{second}.238369.png").write_bytes(data)
    found = recipe("up-fall", "modalities=[belt, wrist, rgb]")
    with found.source.open_video(found.listing.recordings[0], "camera1") as video:
        assert [int(frame[0, 0, 0]) for frame in video.frames()] == [19, 20, 21]
