"""Inner folds are of training recordings alone, whatever the protocol: no test recording is ever on either side."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.sources.base import Recording
from pipeline.tune.inner import InnerFolds, inner_folds
from trainers.errors import TrainingError
from trainers.evaluation.folds import Fold
from trainers.evaluation.protocol_params import KFolds, LeaveOneOut, RandomSplit, Sides, WrittenFolds
from trainers.evaluation.protocols import folds
from trainers.evaluation.written_protocols import written_folds

WRITTEN: list[tuple[Any, list[str]]] = [
    (KFolds(count=2), ["subject"]),
    (KFolds(count=3, by="id"), []),
    (LeaveOneOut(column="session"), ["session"]),
    (LeaveOneOut(column="hand"), ["hand"]),
    (RandomSplit(share=0.4), []),
    (Sides(test={"subject": ("1",)}, train={"subject": ("2", "3"), "session": "1"}), ["subject", "session"]),
]
NAMED = ["subject-50-50", "loso", "cross-subject", "cross-session", "trial", "random", "all-data"]


@st.composite
def tables(draw: st.DrawFn) -> list[Recording]:
    """Recordings of some subjects, classes and sessions, of which any may lack."""
    subjects = draw(st.integers(1, 7))
    grid = [(str(s), a, str(k)) for s in range(1, subjects + 1) for a in ("sit", "walk") for k in range(1, 4)]
    kept = draw(st.lists(st.sampled_from(grid), min_size=4, unique=True))
    return [
        Recording(f"{a}_s{s}_t{k}", s, a, k, columns={"hand": draw(st.sampled_from(["left", "right"]))})
        for s, a, k in sorted(kept)
    ]


def outer_folds(protocol: Any, table: list[Recording]) -> tuple[Fold, ...]:
    try:
        return folds(protocol, table) if isinstance(protocol, str) else written_folds(protocol, table, table)
    except TrainingError:
        assume(False)
        raise


def read(inner: InnerFolds, table: list[Recording]) -> tuple[Fold, ...]:
    """The inner folds as the stages file's own protocols split all recordings that there are."""
    return written_folds(msgspec.convert(inner.protocol, WrittenFolds), table, table)


@given(tables(), st.sampled_from([*((name, []) for name in NAMED), *WRITTEN]), st.data())
def test_no_test_recording_is_in_an_inner_fold(table: list[Recording], outer: Any, data: st.DataObject) -> None:
    protocol, own = outer
    count = data.draw(st.sampled_from([None, 2, 3, "leave-one-out"]))
    rows = {recording.id: recording for recording in table}
    for fold in outer_folds(protocol, table):
        train, test = ([rows[id_] for id_ in side] for side in (fold.train, fold.test))
        try:
            inner = inner_folds(train, test, table, count, own)
        except ConfigError:
            continue
        tested: list[str] = []
        for each in read(inner, table):
            assert {*each.train, *each.test}.isdisjoint(fold.test)
            assert {*each.train, *each.test} == {*fold.train}
            assert {*each.train}.isdisjoint(each.test)
            tested += each.test
        assert sorted(tested) == sorted(fold.train)  # each training recording is tested once


@given(tables(), st.sampled_from(["loso", "subject-50-50"]))
def test_who_tests_new_people_is_tuned_on_new_people(table: list[Recording], protocol: str) -> None:
    rows = {recording.id: recording for recording in table}
    for fold in outer_folds(protocol, table):
        train, test = ([rows[id_] for id_ in side] for side in (fold.train, fold.test))
        if len({recording.subject for recording in train}) < 2:
            with pytest.raises(ConfigError, match="inner folds need two"):
                inner_folds(train, test, table, None)
            continue
        for each in read(inner_folds(train, test, table, None), table):
            sides = ({rows[id_].subject for id_ in side} for side in (each.train, each.test))
            assert set.intersection(*sides) == set()


def people(*names: str) -> list[Recording]:
    return [Recording(f"{action}_{name}", name, action, "1") for name in names for action in ("sit", "walk")]


def test_few_subjects_are_left_out_one_by_one_and_more_are_dealt_to_three() -> None:
    few, more = people("1", "2", "3", "4"), people(*map(str, range(1, 8)))
    assert inner_folds(few, [], few, None).names == ["1", "2", "3", "4"]
    assert len(inner_folds(more, [], more, None).names) == 3
    assert len(inner_folds(more, [], more, "leave-one-out").names) == 7
    assert len(inner_folds(more, [], more, 5).names) == 5


def test_more_folds_than_subjects_are_refused() -> None:
    few = people("1", "2", "3")
    with pytest.raises(ConfigError, match="trains on 3 by subject, too few for 4 inner folds"):
        inner_folds(few, [], few, 4)


def test_a_protocol_within_subjects_is_tuned_within_subjects() -> None:
    """By session where the fold tests other sessions, else recording by recording, with each class in each part."""
    table = [
        Recording(f"{action}_s{subject}_t{session}", subject, action, session)
        for subject in ("1", "2")
        for action in ("sit", "walk")
        for session in ("1", "2", "3", "4")
    ]
    (fold,) = folds("trial", table)
    train, test = ([recording for recording in table if recording.id in side] for side in (fold.train, fold.test))
    assert inner_folds(train, test, table, None).by == "session"
    train, test = table[::2], table[1::2]
    train, test = [*train, table[1]], [each for each in test if each != table[1]]
    inner = inner_folds(train, test, table, None)
    assert inner.by == "id"
    rows = {recording.id: recording.action for recording in table}
    assert all({rows[id_] for id_ in each.test} == {"sit", "walk"} for each in read(inner, table))
