"""The protocol that suits: people whom training has not seen, as well as there are people."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pipeline.init.experiment import experiment_for
from pipeline.init.streams.found import StreamFound
from pipeline.sources.base import Recording

from .folders import CLASSES

WATCH = StreamFound(group=None, name="watch", keys={"rate": 50})  # type: ignore[arg-type]


def recordings_of(subjects: Sequence[str], classes: Sequence[str] = CLASSES) -> list[Recording]:
    return [
        Recording(id=f"{subject}_{label}", subject=subject, action=label, session="1", streams={"watch": ("x.csv",)})
        for subject in subjects
        for label in classes
    ]


@pytest.mark.parametrize(
    ("subjects", "protocol", "why"),
    [
        (["1", "2", "3", "4", "5", "6"], "subject-50-50", "odd numbers train"),
        ([str(each) for each in range(101, 140)], "subject-50-50", "odd numbers train"),
        (["1", "3", "5", "7", "9", "11"], "loso", "each of 6 subjects"),
        (["anna", "ben"], "loso", "each of 2 subjects"),
        ([f"p-{each}" for each in "abcdefghij"], "loso", "each of 10 subjects"),
        ([f"p-{each}" for each in "abcdefghijk"], {"k-folds": 5}, "a fifth of 11 subjects in turn"),
        ([*"2468", *map(str, range(10, 40, 2))], {"k-folds": 5}, "a fifth of 19 subjects in turn"),
        (["anna"], "random", "one subject alone"),
    ],
)
def test_by_subjects(subjects: Sequence[str], protocol: object, why: str) -> None:
    made = experiment_for({"watch": WATCH}, recordings_of(subjects), alone=False, length=0)
    assert made.keys["protocol"] == protocol
    assert why in made.comments["protocol"]


def test_folds_are_stratified_where_subjects_did_different_things() -> None:
    recordings = recordings_of([f"p{each}" for each in "abcdefghijk"])[1:]
    made = experiment_for({"watch": WATCH}, recordings, alone=False, length=0)
    assert made.keys["protocol"] == {"k-folds": 5, "stratified": True}
    assert "not all of them did everything" in made.comments["protocol"]


def test_subjects_without_a_modality_do_not_count() -> None:
    others = [
        Recording(id=f"o{each}", subject=f"other{each}", action="walk", session="1", streams={"phone": ("y.csv",)})
        for each in range(20)
    ]
    recordings = [*recordings_of(["anna", "ben"]), *others]
    made = experiment_for({"watch": WATCH, "phone": WATCH}, recordings, wanted=["watch"], alone=False, length=0)
    assert made.keys["protocol"] == "loso"
