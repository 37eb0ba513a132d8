"""MHEALTH: 24 columns by tabs, no time, the label last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


def rows(activities: list[tuple[int, int]]) -> list[list[object]]:
    """Samples: (label, samples) one after the other; column c of sample i is c + i / 1000."""
    labels = [label for label, count in activities for _ in range(count)]
    return [[*(f"{column + at / 1000:.5f}" for column in range(1, 24)), label] for at, label in enumerate(labels)]


def test_windows_and_their_values(write: Callable[..., None], recipe: Callable[..., Any]) -> None:
    write("mHealth_subject1.log", rows([(0, 130), (1, 250), (0, 50), (12, 100)]), "\t")
    write("mHealth_subject10.log", rows([(6, 99), (7, 100)]), "\t")
    write("README.txt", [["MHEALTH"]], " ")
    found = recipe("mhealth")
    assert found.listing.unparsed == ()
    listed = [(each.subject, each.action, each.start, each.end) for each in found.listing.recordings]
    assert sorted(listed) == [
        ("1", "jumping", 8.6, 10.6),
        ("1", "standing", 2.6, 4.6),
        ("1", "standing", 4.6, 6.6),
        ("10", "arm_elevation", 1.98, 3.98),
    ]
    (third,) = [each for each in found.listing.recordings if (each.action, each.start) == ("standing", 4.6)]
    at = np.arange(230, 330)
    for modality, columns in (("chest", range(1, 4)), ("ankle", range(6, 12)), ("wrist", range(15, 21))):
        values, times = found.series(third.id, modality)
        wanted = np.stack([column + at / 1000 for column in columns], axis=1)
        assert values[:, :3] == pytest.approx(wanted[:, :3] / 9.80665)
        assert values[:, 3:] == pytest.approx(wanted[:, 3:])  # deg/s already
        assert times is None
