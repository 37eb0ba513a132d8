"""Intervals over subjects and seeds: closed forms where one of them does not matter, and coverage by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit

from pipeline.report.comparison.crossed import crossed_interval
from pipeline.report.student_t import mean_interval

VALUES = st.lists(st.integers(-50, 50).map(float), min_size=2, max_size=8)


@given(VALUES, st.integers(2, 6))
def test_where_seeds_change_nothing_it_is_students_over_subjects(by_subject: list[float], seeds: int) -> None:
    assert crossed_interval([by_subject] * seeds, 0.95) == pytest.approx(mean_interval(by_subject), abs=1e-9)


@given(VALUES, st.integers(2, 6))
def test_where_subjects_are_alike_it_is_students_over_seeds(by_seed: list[float], subjects: int) -> None:
    cells = [[value] * subjects for value in by_seed]
    assert crossed_interval(cells, 0.95) == pytest.approx(mean_interval(by_seed), abs=1e-9)


def test_of_one_subject_or_one_seed_it_is_over_the_other() -> None:
    assert crossed_interval([[1.0], [2.0], [6.0]], 0.9) == mean_interval([1.0, 2.0, 6.0], 0.9)
    assert crossed_interval([[1.0, 2.0, 6.0]], 0.9) == mean_interval([1.0, 2.0, 6.0], 0.9)


def test_by_hand() -> None:
    # means of seeds 1 and 4, of subjects 1, 2.5 and 4: mean squares 2.25 x 2 of subjects, 4.5 x 3 of seeds, rest 1.5
    cells = [[0.0, 0.0, 3.0], [2.0, 5.0, 5.0]]
    mean, low, high = crossed_interval(cells, 0.95)
    of_subjects, of_seeds, rest = 4.5, 13.5, 1.5
    total = (of_subjects - rest) + (of_seeds - rest) + rest
    freedom = (of_subjects + of_seeds - rest) ** 2 / (of_subjects**2 / 2 + of_seeds**2 / 1 + rest**2 / 2)
    assert mean == 2.5
    assert high - mean == pytest.approx(stdtrit(freedom, 0.975) * math.sqrt(total / 6))
    assert mean - low == pytest.approx(high - mean)


def test_nothing_differs() -> None:
    assert crossed_interval([[0.0, 0.0], [0.0, 0.0]], 0.95) == (0, 0, 0)


@pytest.mark.parametrize(("subjects", "seeds"), [(4, 10), (8, 5)])
@pytest.mark.parametrize(("of_subjects", "of_seeds", "rest"), [(1, 1, 1), (2, 1, 1), (1, 2, 1), (0, 1, 1), (1, 0, 1)])
def test_95_percent_hold_the_mean(subjects: int, seeds: int, of_subjects: float, of_seeds: float, rest: float) -> None:
    draw = np.random.default_rng(7)
    held = 0
    for _ in range(600):
        table = of_subjects * draw.standard_normal(subjects) + of_seeds * draw.standard_normal((seeds, 1))
        table = table + rest * draw.standard_normal((seeds, subjects))
        _, low, high = crossed_interval(table.tolist(), 0.95)
        held += low <= 0 <= high
    assert held / 600 >= 0.93
