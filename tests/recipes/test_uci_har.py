"""UCI-HAR: raw signals, a file an experiment and sensor, with one table of labels; and windows, one a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


def rows(samples: int, first: float) -> list[list[object]]:
    return [[f"{first + at / 1000:.6f}", f"{-first:.6f}", at] for at in range(samples)]


def test_windows_of_the_labelled_stretches(write: Callable[..., None], recipe: Callable[..., Any]) -> None:
    labels = []
    trials = [(1, 1), (2, 1), *((user + 1, user) for user in range(2, 25))]
    for experiment, user in trials:
        write(f"RawData/acc_exp{experiment:02d}_user{user:02d}.txt", rows(900, experiment), " ")
        write(f"RawData/gyro_exp{experiment:02d}_user{user:02d}.txt", rows(900, 10 * experiment), " ")
        labels += [[experiment, user, 5, 250, 400], [experiment, user, 7, 401, 500], [experiment, user, 1, 501, 758]]
    write("RawData/labels.txt", labels, " ")
    found = recipe("uci-har")
    assert found.listing.unparsed == ()
    listed = [(each.subject, each.session, each.action, each.start) for each in found.listing.recordings]
    assert len(listed) == len(trials) * 4
    assert sorted(each for each in listed if each[:2] == ("1", "2")) == [
        ("1", "2", "standing", 5.0),
        *(("1", "2", "walking", pytest.approx(start)) for start in (10.02, 11.3, 12.58)),
    ]
    window = next(each for each in found.listing.recordings if (each.session, each.start) == ("3", 10.02))
    at = np.arange(501, 629)
    accelerometer = found.source.open_series(window, "accelerometer")
    gyroscope = found.source.open_series(window, "gyroscope")
    assert accelerometer.values == pytest.approx(np.stack([3 + at / 1000, np.full(128, -3.0), at], axis=1))
    assert gyroscope.values[:, 0] == pytest.approx(np.degrees(30 + at / 1000))


def test_windows_of_the_release_of_2012(write: Callable[..., None], recipe: Callable[..., Any]) -> None:
    windows = np.random.default_rng(0).normal(size=(2, 9, 12, 128))  # sides, signals, windows, samples
    subjects = {"train": [1] * 6 + [30] * 6, "test": [2] * 12}
    for side, of_side in zip(("train", "test"), windows, strict=True):
        names = [f"{signal}_{axis}" for signal in ("body_acc", "body_gyro", "total_acc") for axis in "xyz"]
        for name, rows_of in zip(names, of_side, strict=True):
            texts = [[f" {value: .7e}" for value in row] for row in rows_of]
            write(f"{side}/Inertial Signals/{name}_{side}.txt", texts, "")
        write(f"{side}/y_{side}.txt", [[at % 6 + 1] for at in range(12)], " ")
        write(f"{side}/subject_{side}.txt", [[subject] for subject in subjects[side]], " ")
        write(f"{side}/X_{side}.txt", [[0.5] * 561] * 12, " ")
    write("activity_labels.txt", [[1, "WALKING"]], " ")
    found = recipe("uci-har-2012")
    assert found.listing.unparsed == ()
    assert {(each.subject, each.columns["set"]) for each in found.listing.recordings} == {
        ("1", "train"), ("30", "train"), ("2", "test")
    }  # fmt: skip
    assert len(found.listing.recordings) == 24
    (one,) = (each for each in found.listing.recordings if each.columns == {"row": "8", "set": "train"})
    assert (one.subject, one.action) == ("30", "walking_upstairs")
    np.testing.assert_allclose(found.source.open_series(one, "accelerometer").values, windows[0, 6:, 7].T, rtol=1e-6)
    gyroscope = found.source.open_series(one, "gyroscope").values
    np.testing.assert_allclose(gyroscope, np.degrees(windows[0, 3:6, 7].T), rtol=1e-6)
