"""The report's own arithmetic beside closed forms and other libraries."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.html.gather.confusion import confusion_order, recall
from pipeline.report.html.gather.reliability import Reliability
from pipeline.report.html.svg.canvas import Scale, round_values, shortened
from pipeline.report.student_t import mean_interval

names = st.sampled_from("abcdefgh")
counts = st.dictionaries(st.tuples(names, names), st.integers(0, 50))


class TestConfusionOrder:
    @given(st.permutations("abcdefgh"), counts)
    def test_has_every_class_once(self, classes: list[str], counts: dict[tuple[str, str], int]) -> None:
        assert sorted(confusion_order(classes, counts)) == sorted(classes)

    @given(st.permutations("abcdefgh"))
    def test_without_confusion_stays(self, classes: list[str]) -> None:
        assert confusion_order(classes, {(label, label): 9 for label in classes}) == classes

    @given(st.permutations("abcdefgh"), counts)
    def test_the_closest_pair_stands_side_by_side(self, classes: list[str], counts: dict[tuple[str, str], int]) -> None:
        total = {label: sum(n for (true, _), n in counts.items() if true == label) for label in classes}

        def share(one: str, other: str) -> float:
            pairs = [(one, other), (other, one)]
            return sum(counts.get(pair, 0) / total[pair[0]] for pair in pairs if total[pair[0]])

        pairs = [(one, other) for at, one in enumerate(classes) for other in classes[at + 1 :]]
        most = max(share(*pair) for pair in pairs)
        if most:
            order = confusion_order(classes, counts)
            beside = [share(one, other) for one, other in pairwise(order)]
            assert max(beside) == pytest.approx(most)

    def test_a_chain_of_confusions_is_laid_out_in_a_row(self) -> None:
        counts = {("a", "c"): 5, ("a", "a"): 5, ("c", "e"): 4, ("c", "c"): 6, ("b", "b"): 9, ("e", "e"): 9}
        assert confusion_order("abce", counts) in (["a", "c", "e", "b"], ["e", "c", "a", "b"])

    def test_recall(self) -> None:
        assert recall({("a", "a"): 3, ("a", "b"): 1, ("b", "a"): 2}) == {"a": 0.75, "b": 0.0}


class TestReliability:
    def test_closed_form(self) -> None:
        counted = Reliability.of([(0.9, True), (0.9, False), (0.3, False), (0.3, False)], bins=2)
        assert counted.ece == pytest.approx(0.5 * abs(0.5 - 0.9) + 0.5 * abs(0 - 0.3))

    @given(st.lists(st.tuples(st.floats(1e-6, 1.0), st.booleans()), min_size=1, max_size=200), st.integers(1, 20))
    def test_is_that_of_a_histogram(self, predictions: list[tuple[float, bool]], bins: int) -> None:
        confidence = np.array([each for each, _ in predictions])
        right = np.array([each for _, each in predictions], float)
        edges = np.array([at / bins for at in range(bins + 1)])
        place = np.searchsorted(edges, confidence, side="left") - 1
        ece = sum(
            abs((right[place == at] - confidence[place == at]).sum()) for at in range(bins)
        ) / len(predictions)  # fmt: skip
        assert Reliability.of(predictions, bins).ece == pytest.approx(ece)

    @given(st.lists(st.booleans(), min_size=1))
    def test_of_certain_answers_is_the_error(self, right: list[bool]) -> None:
        counted = Reliability.of((1.0, each) for each in right)
        assert counted.ece == pytest.approx(1 - sum(right) / len(right))


@given(st.lists(st.floats(0, 100), min_size=2, max_size=40))
def test_interval_is_scipys(values: list[float]) -> None:
    mean, low, high = mean_interval(values)
    error = scipy.stats.sem(values)
    if error > 1e-9:
        expected = scipy.stats.t.interval(0.95, len(values) - 1, np.mean(values), error)
        assert (low, high) == pytest.approx(expected)
    assert low <= mean + 1e-9
    assert mean - 1e-9 <= high


@given(st.text(max_size=60), st.integers(5, 40))
def test_a_shortened_name_has_its_beginning_and_end(text: str, most: int) -> None:
    short = shortened(text, most)
    assert len(short) <= most
    if len(text) <= most:
        assert short == text
    else:
        begin, end = short.split("…", 1) if "…" not in text else (text[:1], text[-1:])
        assert text.startswith(begin)
        assert text.endswith(end)


class TestScale:
    @given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 10))
    def test_ticks_are_round_few_and_within(self, low: float, width: float, most: int) -> None:
        high = low + width
        ticks = round_values(low, high, most)
        assert len(ticks) <= most + 1
        slack = 1e-6 * width
        assert all(low - slack <= tick <= high + slack for tick in ticks)
        assert ticks == sorted(ticks)

    @given(st.floats(0.1, 1e6), st.floats(1.1, 1e3), st.floats(0, 1), st.booleans())
    def test_places_lie_within(self, low: float, times: float, share: float, log: bool) -> None:
        scale = Scale(low, low * times, 10, 110, log=log)
        assert 10 <= scale(low + share * low * (times - 1)) <= 110
        assert scale(low) == pytest.approx(10)
        assert scale(low * times) == pytest.approx(110)
