"""The categories of Ward, Lukowicz and Gellersen (2011), by hand: each case is one that the paper defines."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.edge.stream.judging import Judgement, judge, text
from pipeline.edge.stream.labels import Stretch

Spans = list[tuple[float, float]]


def stretches(spans: Spans, label: str = "a") -> list[Stretch]:
    return [Stretch(start, end, label) for start, end in spans]


def of_one_class(truth: Spans, found: Spans) -> tuple[dict[str, float], dict[str, int], dict[str, int]]:
    """What is not zero: seconds of each category, true events, events found; of 100 seconds."""
    judgement = judge(stretches(truth), stretches(found), 0, 100)
    assert sum(judgement.frames.values()) == pytest.approx(100)
    assert sum(judgement.true_events.values()) == len(truth)
    assert sum(judgement.found_events.values()) == len(found)
    tables: list[dict[str, Any]] = [judgement.frames, judgement.true_events, judgement.found_events]
    frames, true, returned = ({name: value for name, value in each.items() if value} for each in tables)
    return frames, true, returned


CASES: dict[str, tuple[Spans, Spans, dict[str, float], dict[str, int], dict[str, int]]] = {
    "exact": (
        [(10, 20)], [(10, 20)],
        {"true positive": 10, "true negative": 90}, {"correct": 1}, {"correct": 1},
    ),
    "inserted": (
        [], [(10, 20)],
        {"insertion": 10, "true negative": 90}, {}, {"inserted": 1},
    ),
    "deleted": (
        [(10, 20)], [],
        {"deletion": 10, "true negative": 90}, {"deleted": 1}, {},
    ),
    "too early and too late: correct, with overfill": (
        [(10, 20)], [(8, 23)],
        {"overfill at the start": 2, "true positive": 10, "overfill at the end": 3, "true negative": 85},
        {"correct": 1}, {"correct": 1},
    ),
    "too short: correct, with underfill": (
        [(10, 20)], [(12, 17)],
        {"underfill at the start": 2, "true positive": 5, "underfill at the end": 3, "true negative": 90},
        {"correct": 1}, {"correct": 1},
    ),
    "shifted": (
        [(10, 20)], [(13, 24)],
        {"underfill at the start": 3, "true positive": 7, "overfill at the end": 4, "true negative": 86},
        {"correct": 1}, {"correct": 1},
    ),
    "fragmented into three": (
        [(10, 40)], [(10, 15), (20, 25), (30, 40)],
        {"true positive": 20, "fragmentation": 10, "true negative": 70}, {"fragmented": 1}, {"fragmenting": 3},
    ),
    "merged: one for three": (
        [(10, 15), (20, 25), (30, 40)], [(10, 40)],
        {"true positive": 20, "merge": 10, "true negative": 70}, {"merged": 3}, {"merging": 1},
    ),
    "one true event fragmented, of which one part merges it with the next": (
        [(10, 30), (40, 50)], [(10, 15), (20, 50)],
        {"true positive": 25, "fragmentation": 5, "merge": 10, "true negative": 60},
        {"fragmented and merged": 1, "merged": 1}, {"fragmenting": 1, "fragmenting and merging": 1},
    ),
    "beside it: a deletion and an insertion, although they touch": (
        [(10, 20)], [(20, 30)],
        {"deletion": 10, "insertion": 10, "true negative": 80}, {"deleted": 1}, {"inserted": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_one_class(case: str) -> None:
    truth, found, frames, true, returned = CASES[case]
    assert of_one_class(truth, found) == (pytest.approx(frames), true, returned)


def test_truth_and_found_exchanged_exchange_their_errors() -> None:
    """The paper's symmetry: insertion and deletion, merge and fragmentation, overfill and underfill."""
    other = {
        "insertion": "deletion", "merge": "fragmentation", "overfill at the start": "underfill at the start",
        "overfill at the end": "underfill at the end",
    }  # fmt: skip
    other |= {after: before for before, after in other.items()}
    for truth, found, *_ in CASES.values():
        one = judge(stretches(truth), stretches(found), 0, 100).frames
        two = judge(stretches(found), stretches(truth), 0, 100).frames
        assert one == pytest.approx({name: two[other.get(name, name)] for name in one})


def of_two_classes() -> Judgement:
    truth = [Stretch(10, 20, "a"), Stretch(20, 40, "b"), Stretch(60, 70, "a")]
    found = [Stretch(12, 25, "a"), Stretch(25, 38, "b"), Stretch(60, 70, "b")]
    return judge(truth, found, 0, 100)


def test_one_class_for_another_is_substitution() -> None:
    frames = of_two_classes().frames
    assert {name: value for name, value in frames.items() if value} == {
        "true positive": 8 + 13,
        "substitution": 5 + 10,
        "underfill at the start": 2,
        "underfill at the end": 2,
        "true negative": 10 + 20 + 30,
    }


def test_accuracy_and_f1_have_the_null_class() -> None:
    judgement = of_two_classes()
    null = 2 * 60 / (60 + 64)
    a, b = 2 * 8 / (20 + 13), 2 * 13 / (20 + 23)
    assert judgement.classes == 3
    assert judgement.accuracy == pytest.approx(0.81)
    assert judgement.macro_f1 == pytest.approx((null + a + b) / 3)


def test_events_of_another_class_do_not_count_as_met() -> None:
    judgement = of_two_classes()
    assert judgement.true_events == {
        "correct": 2,
        "deleted": 1,
        "fragmented": 0,
        "merged": 0,
        "fragmented and merged": 0,
    }
    assert judgement.found_events["inserted"] == 1


def test_what_is_outside_the_time_is_not_judged() -> None:
    judgement = judge(stretches([(0, 10), (90, 120)]), stretches([(95, 200)]), 50, 100)
    assert judgement.seconds == 50
    assert judgement.frames["true positive"] == 5
    assert judgement.true_events["deleted"] == 0


def test_nothing_was_nothing_found() -> None:
    assert judge([], [], 0, 10).accuracy == 1
    assert judge([], [], 0, 0).accuracy == 0


def test_as_text() -> None:
    printed = text(of_two_classes())
    assert "100.0 s, accuracy 81.00%" in printed
    assert "substitution                 15.0    15.00" in printed
    assert "correct                         2    66.67" in printed
