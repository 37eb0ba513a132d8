"""RealWorld: a CSV an activity, sensor and place, milliseconds since 1970, unpacked into a folder an archive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

HEAD = "id,attr_time,attr_x,attr_y,attr_z\n"
STARTED = 1_435_997_079_000


def rows(samples: int, shift: int = 0) -> list[list[object]]:
    return [[at + 1, STARTED + shift + at * 20, at / 10, -9.80665, at] for at in range(samples)]


def test_the_phone_at_the_waist(write: Callable[..., None], recipe: Callable[..., Any]) -> None:
    for subject in (1, 2, 15):
        for label in ("walking", "climbingup"):
            number = "_1" if (subject, label) == (2, "climbingup") else ""
            for place in ("waist", "chest"):
                end = f"{label}{number}_{place}.csv"
                write(f"proband{subject}/data/acc_{label}_csv/acc_{end}", rows(760), ",", head=HEAD)
                write(f"proband{subject}/data/gyr_{label}_csv/Gyroscope_{end}", rows(760, 5), ",", head=HEAD)
    second = "proband2/data/acc_climbingup_csv/acc_climbingup_2_waist.csv"
    write(second, rows(760), ",", head=HEAD)
    write("proband1/data/gps_walking_csv/GPS_walking_waist.csv", [[1, STARTED, 49.4]], ",", head="id,attr_time,lat\n")
    found = recipe("realworld")
    assert [each.path for each in found.listing.unparsed] == [second]
    assert sorted((each.subject, each.action) for each in found.listing.recordings) == [
        (subject, label) for subject in ("1", "15", "2") for label in ("climbingup", "walking") for _ in range(3)
    ]
    third = found.listing.recordings[2]
    assert (third.start, third.end) == pytest.approx((STARTED / 1000 + 10, STARTED / 1000 + 15))
    at = np.arange(500, 750)
    series = found.source.open_series(third, "accelerometer")
    assert series.values[:, 0] == pytest.approx(at / 10 / 9.80665)
    assert series.values[:, 1] == pytest.approx(-1)
    gyroscope = found.source.open_series(third, "gyroscope")
    assert gyroscope.values[:, 2] == pytest.approx(np.degrees(at))
    assert gyroscope.times - series.times == pytest.approx(0.005, abs=1e-6)
