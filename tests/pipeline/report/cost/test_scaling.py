"""Seconds of a fixed part and of one that grows with the work, told from measurements, or not told."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.report.cost.scaling import expected_seconds

fixed = st.floats(0.0, 10.0)  # imports, reading
rates = st.floats(1e-3, 10.0)
amounts = st.floats(1.0, 1e4)


@given(fixed, rates, amounts, amounts)
def test_never_off_by_more_than_twice(start: float, rate: float, amount: float, work: float) -> None:
    found = expected_seconds([(amount, start + rate * amount)], work)
    assert found is None or 0.5 - 1e-9 <= found / (start + rate * work) <= 2 + 1e-9


@given(fixed, rates, amounts, st.floats(2.0, 100.0), amounts)
def test_two_amounts_tell_what_is_fixed(start: float, rate: float, amount: float, times: float, work: float) -> None:
    measured = [(each, start + rate * each) for each in (amount, times * amount)]
    assume(measured[1][1] > 1.6 * measured[0][1])
    assert expected_seconds(measured, work) == pytest.approx(start + rate * work)


@given(rates, amounts, st.floats(0.51, 1.99))
def test_up_to_twice_the_work_is_known(seconds: float, amount: float, times: float) -> None:
    found = expected_seconds([(amount, seconds)], times * amount)
    assert found is not None
    assert min(1.0, times) * seconds <= found <= max(1.0, times) * seconds


@given(st.lists(st.tuples(amounts, st.floats(0.0, 1e4)), max_size=6), amounts)
def test_whatever_was_measured(measured: list[tuple[float, float]], work: float) -> None:
    found = expected_seconds(measured, work)
    assert found is None or found >= 0.0


def test_recorded_trainings() -> None:
    """Of 18 recordings: the first in each process imports; 80 epochs took 10 s, which a few seconds cannot tell."""
    two_epochs = [(36.0, seconds) for seconds in (0.408, 0.422, 0.453, 0.564, 0.565, 0.66, 8.576, 9.023)]
    assert expected_seconds(two_epochs, 36.0) == pytest.approx(0.564)
    assert expected_seconds(two_epochs, 18.0 * 80) is None
    eighty = [(18.0 * 80, seconds) for seconds in (9.694, 9.763, 10.129, 10.189, 10.577, 12.617, 17.566)]
    assert 15.0 < expected_seconds([*two_epochs, *eighty], 18.0 * 160) < 25.0
    assert 4.5 < expected_seconds([*two_epochs, *eighty], 18.0 * 40) < 6.0
    of_431 = [(431.0 * 15, 14.223), (431.0 * 15, 14.278), (431.0 * 80, 120.489)]
    assert 50.0 < expected_seconds(of_431, 431.0 * 40) < 70.0


def test_nothing_was_measured() -> None:
    assert expected_seconds([], 3.0) is None
