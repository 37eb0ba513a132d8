"""WISDM of 2019: a file a subject, sensor and device; subject, letter, nanoseconds, x, y, z; semicolons at the ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

BOOT = 252_207_666_810_782  # ns: phones count from when they were switched on


def rows(subject: int, letters: str, samples: int, shift_ns: int = 0) -> list[list[object]]:
    """So many samples of each letter at 20 Hz, a minute between letters."""
    found: list[list[object]] = []
    for number, letter in enumerate(letters):
        for at in range(samples):
            stamp = BOOT + shift_ns + (number * (samples + 1200) + at) * 50_000_000
            found.append([subject, letter, stamp, -0.5 + at / 100, 9.8, at / 10])
    return found


def test_windows_of_both_sensors_of_a_phone(write: Callable[..., None], recipe: Callable[..., Any]) -> None:
    for subject in (1600, 1601, 1602, 1603, 1650):
        write(f"raw/phone/accel/data_{subject}_accel_phone.txt", rows(subject, "ABS", 430), ",", ";\n")
        write(f"raw/phone/gyro/data_{subject}_gyro_phone.txt", rows(subject, "ABS", 430, 3_000_000), ",", ";\n")
        write(f"raw/watch/accel/data_{subject}_accel_watch.txt", rows(subject, "OP", 250, 10**15), ",", ";\n")
        write(f"raw/watch/gyro/data_{subject}_gyro_watch.txt", rows(subject, "OP", 250, 10**15), ",", ";\n")
    write("activity_key.txt", [["walking = A"]], " ")
    found = recipe("wisdm")
    assert found.listing.unparsed == ()
    listed = [(each.subject, each.action) for each in found.listing.recordings]
    assert len(listed) == 5 * 3 * 2
    assert {subject for subject, _ in listed} == {"1600", "1601", "1602", "1603", "1650"}
    assert {action for _, action in listed} == {"walking", "jogging", "folding_clothes"}
    second = [each for each in found.listing.recordings if each.subject == "1601" and each.action == "jogging"][1]
    accel = found.source.open_series(second, "phone_accel")
    gyro = found.source.open_series(second, "phone_gyro")
    at = np.arange(200, 400)
    assert accel.values[:, 0] == pytest.approx((-0.5 + at / 100) / 9.80665)
    assert accel.values[:, 1] == pytest.approx(9.8 / 9.80665)
    assert gyro.values[:, 2] == pytest.approx(np.degrees(at / 10))
    assert gyro.times - accel.times == pytest.approx(0.003, abs=1e-6)  # on the phone's own clock
    watch = recipe("wisdm", "source.segments.stream=watch_accel", "modalities=[watch]")
    assert {each.action for each in watch.listing.recordings} == {"catching", "dribbling"}
