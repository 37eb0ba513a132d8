"""The time left of a whole run, against schedules that can be worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.run.display.remaining import Measured, StepLeft, left_of_run


def test_steps_side_by_side_and_a_chain() -> None:
    """Four of 10 s on two workers take 20 s; a chain of three takes 30 s however many workers there are."""
    four = {str(i): StepLeft(10.0, "train") for i in range(4)}
    assert left_of_run(four, 2).seconds == 20.0
    chain = {str(i): StepLeft(10.0, "train", (str(i - 1),)) for i in range(3)}
    assert left_of_run(chain, 8).seconds == 30.0


def test_what_runs_alone_is_not_shared_out() -> None:
    steps = {"rgb": StepLeft(60.0, "rgb", alone=True), "a": StepLeft(10.0, "train"), "b": StepLeft(10.0, "train")}
    assert left_of_run(steps, 2).seconds == 70.0


def test_steps_of_which_nothing_is_known_are_counted() -> None:
    left = left_of_run({"a": StepLeft(None, "a"), "b": StepLeft(5.0, "b")}, 1)
    assert (left.seconds, left.unknown) == (5.0, 1)


def test_what_like_steps_took_comes_before_what_was_expected() -> None:
    measured = Measured()
    assert measured.corrected("teacher", None) is None
    assert measured.corrected("teacher", 10.0) == 10.0
    measured.add("student", 30.0, 20.0)
    assert measured.corrected("teacher", 10.0) == pytest.approx(15.0)  # a slower machine
    measured.add("teacher", 12.0, 10.0)
    measured.add("teacher", 14.0, None)
    assert measured.corrected("teacher", 10.0) == pytest.approx(13.0)


@given(st.lists(st.tuples(st.floats(0, 1e4), st.booleans(), st.integers(0, 20)), max_size=40), st.integers(1, 8))
def test_it_is_within_the_bounds_of_any_schedule(made: list[tuple[float, bool, int]], at_once: int) -> None:
    steps = {
        str(i): StepLeft(seconds, "any", (str(need),) if need < i else (), alone)
        for i, (seconds, alone, need) in enumerate(made)
    }
    found = left_of_run(steps, at_once).seconds
    each = [step.seconds or 0.0 for step in steps.values()]
    assert max(each, default=0.0) <= found + 1e-6
    assert found <= sum(each) + 1e-6
    assert found >= sum(each) / at_once - 1e-6
    assert found >= sum(step.seconds or 0.0 for step in steps.values() if step.alone) - 1e-6
    assert left_of_run(steps, 1).seconds == pytest.approx(sum(each))
