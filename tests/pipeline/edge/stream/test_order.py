"""Decisions follow from the samples' times: whatever order they come in, as long as each comes in time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

Lines = Callable[..., list[str]]
Hear = Callable[..., Any]


def time_of(line: str) -> float:
    return float(json.loads(line)["time"])


@settings(max_examples=60, deadline=None)
@given(
    lost=st.lists(st.tuples(st.floats(0, 6), st.floats(0, 1.5)), max_size=3),
    delays=st.lists(st.floats(0, 0.2), min_size=1, max_size=40),
    patience=st.sampled_from([0.0, 0.2, 0.5]),
)
def test_mixed_up_within_the_disorder(
    hear: Hear, watch: Lines, body: Lines, lost: list[tuple[float, float]], delays: list[float], patience: float
) -> None:
    """Each sample comes up to 0.2 s later than it should; stretches of some may be lost."""
    lines = sorted(watch(0, 6) + body(0, 6), key=time_of)
    lines = [each for each in lines if not any(at <= time_of(each) < at + length for at, length in lost)]
    mixed = [
        line for _, line in sorted((time_of(each) + delays[i % len(delays)], each) for i, each in enumerate(lines))
    ]
    options = {"exact": True, "disorder": 0.2, "patience": patience}
    heard = hear(mixed, "watch", "body", **options)
    assert heard.decisions == hear(lines, "watch", "body", **options).decisions
    assert heard.tally.late == 0


@settings(max_examples=60, deadline=None)
@given(behind=st.floats(0, 0.5), jitter=st.floats(0, 0.49), seed=st.randoms(use_true_random=False))
def test_streams_that_come_apart_within_the_patience(
    hear: Hear, watch: Lines, body: Lines, behind: float, jitter: float, seed: Any
) -> None:
    """Each stream is in order, and the skeleton is behind by up to half a second."""
    lines = sorted(watch(0, 6) + body(0, 6), key=time_of)
    delay = 0.0
    due = []
    for each in lines:
        if "body" in each:
            at = time_of(each) + min(0.499, behind * 0.5 + seed.random() * jitter * 0.5)
            delay = at = max(at, delay)
        else:
            at = time_of(each)
        due.append((at, each))
    mixed = [line for _, line in sorted(due, key=lambda each: each[0])]
    heard = hear(mixed, "watch", "body", exact=True, patience=0.5)
    assert heard.decisions == hear(lines, "watch", "body", exact=True, patience=0.5).decisions


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), max_size=30))
def test_no_line_is_a_crash(hear: Hear, watch: Lines, lines: list[bytes]) -> None:
    good = [each.encode() for each in watch(0, 3)]
    heard = hear([*good[:70], *lines, *good[70:]], exact=True)
    assert len(heard.decisions) == 4


numbers = st.floats(width=64) | st.integers() | st.none() | st.text(max_size=3)
values = st.recursive(numbers, lambda inner: st.lists(inner, max_size=3), max_leaves=8)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.fixed_dictionaries({"stream": st.sampled_from(["watch", "body", "x"])}, optional={
    "time": numbers, "times": st.lists(numbers, max_size=3) | numbers, "values": values,
}), max_size=20))  # fmt: skip
def test_no_json_is_a_crash(hear: Hear, samples: list[dict[str, Any]]) -> None:
    hear([json.dumps(each) for each in samples], "watch", "body")


def test_one_that_comes_before_its_turn_after_a_gap_is_no_absurd_time(hear: Hear, watch: Lines) -> None:
    lines = [each for each in watch(0, 6) if not 3.0 <= time_of(each) < 3.99]
    first = next(place for place, each in enumerate(lines) if time_of(each) >= 3.99)
    mixed = [*lines[:first], lines[first + 1], lines[first], *lines[first + 2 :]]
    heard = hear(mixed, exact=True, disorder=0.2)
    assert heard.decisions == hear(lines, exact=True, disorder=0.2).decisions
    assert not heard.tally.dropped
