"""Time left is within 30 % from a third of a step on, whatever came before that."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.run.display.pace import Pace


def steady(count: int, each: float, begin: float = 0.0) -> list[float]:
    """When each of so many items ends that take equally long."""
    return [begin + each * (i + 1) for i in range(count)]


def noisy(count: int, least: float, most: float, seed: int) -> list[float]:
    dice = random.Random(seed)
    return list(accumulate(dice.uniform(least, most) for _ in range(count)))


def misses(ends: Sequence[float], settled: float = 0.0, every: float = 0.5) -> list[tuple[float, float | None]]:
    """Return when, after a third of the time and after `settled`, what is said is off by more than 30 % and 1 s."""
    pace, end, seen, wrong = Pace(), ends[-1], 0, []
    now = 0.0
    while now < end:
        while seen < len(ends) and ends[seen] <= now:
            pace.add(ends[seen], seen + 1, len(ends))
            seen += 1
        left = pace.left(now)
        if now >= max(end / 3, settled) and (left is None or abs(left - (end - now)) > max(0.3 * (end - now), 1.0)):
            wrong.append((now, left))
        now += every
    return wrong


TRACES = {
    "a constant rate": steady(1000, 0.1),
    "a slow start: imports and a first shard": [40.0, *steady(1000, 0.1, 40.0)],
    "twenty short epochs": steady(20, 0.4),
    "twenty long epochs": steady(20, 6.0, 5.0),
    "rows copied first": [*steady(500, 0.001), *steady(500, 0.1, 0.5)],
    "a first part of slow items": [*steady(50, 0.5), *steady(950, 0.1, 25.0)],
    "epochs that differ by half": noisy(60, 1.0, 2.0, 1),
    "recordings of any length": noisy(400, 0.05, 0.5, 2),
    "beside others first, then with the cores to itself": [*steady(30, 0.5), *steady(270, 0.4, 15.0)],
}


@pytest.mark.parametrize("ends", TRACES.values(), ids=TRACES)
def test_time_left_can_be_believed_from_a_third_on(ends: list[float]) -> None:
    assert misses(ends) == []


def test_a_rate_that_changes_late_is_followed() -> None:
    ends = [*steady(500, 0.05), *steady(500, 0.1, 25.0)]  # of 75 s; at 25 s nobody can know
    assert misses(ends, settled=37.0) == []


def test_nothing_is_said_of_what_is_not_known() -> None:
    pace = Pace()
    assert pace.left(1.0) is None
    pace.add(1.0, 0, 100)
    assert pace.rate(2.0) is None
    pace.add(3.0, 1, 100)
    assert pace.left(4.0) is None  # one of a hundred: its time may be the start's


def test_it_counts_down_between_two_epochs() -> None:
    pace = Pace()
    for epoch in range(1, 6):
        pace.add(10.0 * epoch, epoch, 10)
    assert pace.left(50.0) == pytest.approx(50.0)
    assert pace.left(57.0) == pytest.approx(43.0)


def test_what_stands_still_gets_slower() -> None:
    pace = Pace()
    for i in range(20):
        pace.add(float(i), i, 100)
    assert pace.rate(20.0) == pytest.approx(1.0)
    slow = pace.rate(200.0)
    assert slow is not None
    assert slow < 0.1


@given(st.lists(st.tuples(st.floats(0.0, 1e3), st.integers(0, 10**6)), min_size=1, max_size=600))
def test_any_observations_give_a_time_or_nothing(steps: list[tuple[float, int]]) -> None:
    pace, now = Pace(), 0.0
    for wait, done in steps:
        now += wait
        pace.add(now, done, 10**6)
        for left in (pace.left(now), pace.left(now + 5.0), pace.rate(now)):
            assert left is None or left >= 0.0
