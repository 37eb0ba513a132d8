"""Rules hold for any values: which recordings are far from the others, which are looked at, which channels are cut."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.inspect.opened import chosen_evenly
from pipeline.inspect.source.measure import extremes_of, timing
from pipeline.inspect.source.outliers import FEWEST, far_from_others
from pipeline.sources.base import Recording

SIZES = st.lists(st.floats(1.0, 1.3), min_size=FEWEST, max_size=40)


def places(values: list[float], classes: list[str]) -> list[int]:
    return [each.at for each in far_from_others(values, classes)]


@given(SIZES)
def test_values_that_are_alike_are_never_far(values: list[float]) -> None:
    assert places(values, ["a"] * len(values)) == []


@given(SIZES, st.integers(0, 7), st.floats(20, 1000), st.booleans())
def test_one_that_is_far_is_found_and_compared_with_its_class(
    values: list[float], at: int, factor: float, below: bool
) -> None:
    values[at] = values[at] / factor if below else values[at] * factor
    found = far_from_others(values, ["a"] * len(values))
    assert [each.at for each in found] == [at]
    assert found[0].median == np.median(values)


@given(SIZES, st.floats(0.001, 1000))
def test_the_unit_does_not_matter(values: list[float], unit: float) -> None:
    values[0] *= 100
    classes = ["a"] * len(values)
    assert places([each * unit for each in values], classes) == places(values, classes)


def test_a_class_that_is_longer_as_a_whole_is_not_far() -> None:
    values = [1.0, 1.1, 0.9, 1.0, 1.05, 0.95, 1.0, 1.02] * 2 + [10.0, 11.0, 9.0]
    classes = ["short"] * 16 + ["long"] * 3
    assert places(values, classes) == []
    assert places(values, ["same"] * 19) != []


def test_of_few_none_is_far() -> None:
    assert places([1.0] * (FEWEST - 2) + [100.0], ["a"] * (FEWEST - 1)) == []


@given(st.integers(1, 2000), st.integers(1, 300))
def test_recordings_are_chosen_evenly(count: int, most: int) -> None:
    rows = [Recording(id=f"{at:06}", subject="1", action="a", session="1") for at in range(count)]
    chosen = [int(each.id) for each in chosen_evenly(rows, most)]
    assert len(chosen) == min(count, most)
    assert sorted({*chosen}) == chosen
    if count > most:
        assert all(at * count // most <= place < (at + 1) * count // most for at, place in enumerate(chosen))


def test_what_is_chosen_of_a_listing_that_repeats_itself_has_all_of_it() -> None:
    rows = [Recording(id=f"{at:06}", subject="1", action="a", session=str(at % 4)) for at in range(800)]
    sessions = [each.session for each in chosen_evenly(rows, 200)]
    assert all(40 <= sessions.count(each) <= 60 for each in "0123")


@given(st.lists(st.lists(st.integers(-3, 3), min_size=1, max_size=30), min_size=1, max_size=3))
def test_extremes(channels: list[list[int]]) -> None:
    shortest = min(map(len, channels))
    values = np.array([each[:shortest] for each in channels], np.float64).T
    found = extremes_of(values)
    for channel, column in enumerate(values.T.tolist()):
        for end, extreme in enumerate((min(column), max(column))):
            text = "".join("x" if value == extreme else " " for value in column)
            assert found.values[end, channel] == extreme
            assert found.counts[end, channel] == text.count("x")
            assert found.runs[end, channel] == max(map(len, text.split()))


def test_times_of_one_sample_and_of_none() -> None:
    assert timing(1, np.array([5.0]), 50.0).seconds == 0.02
    assert timing(100, None, 50.0).seconds == 2.0
