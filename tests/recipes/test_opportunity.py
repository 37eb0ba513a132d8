"""Opportunity: 250 columns by blanks, milliseconds first, seven labels last, NaN where a sensor lost its connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


def rows(gestures: list[tuple[int, int]]) -> list[list[object]]:
    """Samples of 33 ms: (code of the gesture, samples) one after the other; column c of sample i is 10 c + i."""
    codes = [code for code, count in gestures for _ in range(count)]
    return [
        [at * 33, *(10 * column + at for column in range(2, 244)), 1, 101, 0, 0, 0, 0, code]
        for at, code in enumerate(codes)
    ]


def test_gestures_of_the_challenges_split(write: Callable[..., None], recipe: Callable[..., Any]) -> None:
    doors = [(0, 40), (406516, 60), (0, 10), (404516, 50), (0, 20), (405506, 30)]
    for subject in (1, 2, 3, 4):
        for session in ("ADL1", "ADL2", "ADL3", "ADL4", "ADL5", "Drill"):
            data = rows(doors)
            data[50][40] = "NaN"  # column 41
            write(f"dataset/S{subject}-{session}.dat", data, " ")
    write("dataset/column_names.txt", [["Column: 1 MILLISEC"]], " ")
    found = recipe("opportunity")
    assert found.listing.unparsed == ()
    assert len(found.listing.recordings) == 3 * 6 * 3
    assert {each.action for each in found.listing.recordings} == {"open_door_1", "close_door_1", "toggle_switch"}
    (door,) = [
        each
        for each in found.listing.recordings
        if (each.subject, each.session, each.action) == ("2", "Drill", "open_door_1")
    ]
    for modality, columns in (
        ("back", range(38, 47)),
        ("right_arm", [*range(51, 60), *range(64, 73)]),
        ("left_arm", [*range(77, 86), *range(90, 99)]),
    ):
        values, times = found.series(door.id, modality)
        at = np.arange(40, 100)
        assert values == pytest.approx(np.stack([10 * column + at for column in columns], axis=1))
        assert times == pytest.approx((at - 40) * 0.033)
