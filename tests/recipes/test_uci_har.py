"""UCI-HAR's raw signals: a file an experiment and sensor; one table of labels, in samples and without names."""

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
