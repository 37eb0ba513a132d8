"""PAMAP2: 54 columns by blanks, a time in seconds, label 0 between activities, NaN where the radio lost samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


def rows(subject: int, activities: list[tuple[int, int]]) -> list[list[object]]:
    """Samples at 100 Hz: (activity, samples) one after the other; column c of sample i is c + i / 1000."""
    found: list[list[object]] = []
    for activity, count in activities:
        for _ in range(count):
            at = len(found)
            values: list[object] = [f"{8.38 + at / 100:.2f}", activity, "NaN" if at % 11 else 100 + subject]
            found.append(values + [f"{column + at / 1000:.6f}" for column in range(4, 55)])
    return found


def test_windows_of_each_activity(write: Callable[..., None], recipe: Callable[..., Any]) -> None:
    lost = rows(1, [(0, 150), (1, 1000), (0, 120), (24, 700)])
    for column in range(3, 54):
        lost[300][column] = "NaN"
    write("Protocol/subject101.dat", lost, " ")
    write("Protocol/subject109.dat", rows(9, [(4, 700), (0, 10), (13, 512)]), " ")
    write("Optional/subject101.dat", rows(1, [(9, 600)]), " ")
    found = recipe("pamap2")
    assert found.listing.unparsed == ()
    ids = [(each.subject, each.action, each.start, each.end) for each in found.listing.recordings]
    assert [(subject, action) for subject, action, _, _ in ids] == [
        *[("1", "lying")] * 5, *[("1", "rope_jumping")] * 2, ("9", "descending_stairs"), *[("9", "walking")] * 2,
    ]  # fmt: skip
    assert ids[0][2:] == pytest.approx((1.5, 6.62))
    assert ids[1][2:] == pytest.approx((2.5, 7.62))


def test_values_in_g_and_degrees_a_second(write: Callable[..., None], recipe: Callable[..., Any]) -> None:
    data = rows(1, [(0, 150), (1, 600)])
    for column in range(3, 54):
        data[300][column] = "NaN"
    write("Protocol/subject101.dat", data, " ")
    write("Protocol/subject102.dat", rows(2, [(1, 600)]), " ")
    found = recipe("pamap2")
    first = found.listing.recordings[0].id
    for modality, column in (("hand", 4), ("chest", 21), ("ankle", 38)):
        values, times = found.series(first, modality)
        at = np.arange(150, 662)  # the sample that was lost lies on the line between its neighbours, as all do
        wanted = np.stack([column + offset + at / 1000 for offset in (1, 2, 3, 7, 8, 9)], axis=1)
        assert values[:, :3] == pytest.approx(wanted[:, :3] / 9.80665)
        assert values[:, 3:] == pytest.approx(np.degrees(wanted[:, 3:]))
        assert times == pytest.approx((at - 150) / 100)
