"""Protocols split recordings as the papers say, and never share one between the sides."""

from dataclasses import dataclass
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainers.errors import TrainingError
from trainers.evaluation.folds import Fold
from trainers.evaluation.protocols import PROTOCOLS, folds


@dataclass(frozen=True)
class Row:
    id: str
    subject: str
    action: str = "wave"
    session: str = "1"
    scene: str | None = None
    view: str | None = None


def table(subjects: int, actions: int = 1, sessions: int = 1) -> list[Row]:
    return [
        Row(f"a{a}_s{s}_t{t}", str(s), str(a), str(t))
        for a in range(1, actions + 1)
        for s in range(1, subjects + 1)
        for t in range(1, sessions + 1)
    ]


def subjects_of(rows: list[Row], ids: tuple[str, ...]) -> set[str]:
    return {row.subject for row in rows if row.id in ids}


def utd_mhad() -> list[Row]:
    """The published 861 trials: of 27 x 8 x 4, three fourth repetitions are missing."""
    missing = {"a8_s1_t4", "a23_s6_t4", "a27_s8_t4"}
    return [row for row in table(8, 27, 4) if row.id not in missing]


def test_subject_50_50_trains_on_odd_subjects() -> None:
    rows = table(12)
    (fold,) = folds("subject-50-50", rows)
    assert fold.name == "subjects=odd"
    assert subjects_of(rows, fold.train) == {"1", "3", "5", "7", "9", "11"}
    assert subjects_of(rows, fold.test) == {"2", "4", "6", "8", "10", "12"}


def test_the_published_sizes_of_utd_mhad() -> None:
    rows = utd_mhad()
    assert [(len(f.train), len(f.test)) for f in folds("subject-50-50", rows)] == [(431, 430)]
    assert [(len(f.train), len(f.test)) for f in folds("trial", rows)] == [(432, 429)]
    assert len(folds("loso", rows)) == 8


def test_loso_names_its_folds_by_subject_in_numbers_order() -> None:
    made = folds("loso", table(10))
    assert [fold.name for fold in made] == [f"subject={s}" for s in range(1, 11)]
    assert made[9].test == ("a1_s10_t1",)


def test_inner_loso_never_sees_a_test_subject() -> None:
    rows = table(8)
    made = folds("inner-loso", rows)
    assert [fold.name for fold in made] == ["subject=1", "subject=3", "subject=5", "subject=7"]
    seen = {id for fold in made for id in (*fold.train, *fold.test)}
    assert subjects_of(rows, tuple(seen)) == {"1", "3", "5", "7"}


def test_cross_subject_trains_on_the_first_four_fifths() -> None:
    rows = table(20)
    (fold,) = folds("cross-subject", rows)
    assert fold.name == "subjects=1..16"
    assert subjects_of(rows, fold.test) == {"17", "18", "19", "20"}


def test_cross_session_splits_each_subjects_own_sessions() -> None:
    rows = [Row(f"{s}-{t}", s, session=str(t)) for s, count in (("1", 5), ("2", 10)) for t in range(1, count + 1)]
    (fold,) = folds("cross-session", rows)
    assert fold.test == ("1-5", "2-9", "2-10")


def test_views_of_one_session_stay_on_one_side() -> None:
    rows = [Row(f"t{t}_cam{v}", "1", session=str(t), view=str(v)) for t in range(1, 5) for v in range(1, 5)]
    (fold,) = folds("trial", rows)
    assert {id.split("_")[0] for id in fold.train} == {"t1", "t2"}


def test_a_new_recording_moves_no_old_one_in_random() -> None:
    rows = table(8, 5, 4)
    (before,) = folds("random", rows)
    (after,) = folds("random", [*rows, Row("another", "9")])
    assert set(before.train) <= set(after.train)
    assert set(before.test) <= set(after.test)
    assert 0.35 < len(before.train) / len(rows) < 0.65


def filmed(subjects: int = 9, actions: int = 2, scenes: int = 2, sessions: int = 3, views: int = 4) -> list[Row]:
    """Clips of several cameras, in MMAct's way: sessions are numbered within a scene."""
    return [
        Row(f"s{s}_scene{c}_session{t}_{a}_cam{v}", str(s), f"action {a}", str(t), str(c), str(v))
        for s, c, t, a, v in product(*(range(1, n + 1) for n in (subjects, scenes, sessions, actions, views)))
    ]


FILMED = filmed()
INNER = {"inner-loso": "subject-50-50", "inner-trial": "trial", "inner-subjects-1-7": "subjects-1-7"}


@given(st.sampled_from(sorted(PROTOCOLS)), st.randoms(use_true_random=False))
def test_every_fold_splits_without_overlap_whatever_the_tables_order(protocol: str, random: Random) -> None:
    def sides(made: tuple[Fold, ...]) -> list[tuple[str, set[str], set[str]]]:
        return [(fold.name, set(fold.train), set(fold.test)) for fold in made]

    rows = random.sample(FILMED, len(FILMED))
    made = folds(protocol, rows)
    assert sides(made) == sides(folds(protocol, FILMED))
    for fold in made:
        assert not set(fold.train) & set(fold.test)
        if protocol not in INNER:
            assert len(fold.train) + len(fold.test) == len(rows)


@st.composite
def holes(draw: st.DrawFn) -> list[Row]:
    """A table with recordings missing here and there, but none of subjects 1, 3, 6 and 8 in session 1 and 2."""
    kept = {"1", "3", "6", "8"}
    gone = draw(st.sets(st.sampled_from([row.id for row in FILMED])))
    return [row for row in FILMED if row.id not in gone or (row.subject in kept and row.session in ("1", "2"))]


@given(st.sampled_from(sorted(INNER)), holes())
def test_an_inner_protocol_sees_its_outer_ones_training_side_and_no_more(protocol: str, rows: list[Row]) -> None:
    (outer,) = folds(INNER[protocol], rows)
    for fold in folds(protocol, rows):
        assert set(fold.train) | set(fold.test) == set(outer.train)


@given(st.sampled_from(sorted(set(PROTOCOLS) - {"random", "cross-view"})), holes())
def test_views_of_a_clip_are_on_one_side(protocol: str, rows: list[Row]) -> None:
    """The cameras share the clip's sensors; cross-view is about cameras, and random goes by recordings."""
    for fold in folds(protocol, rows):
        train, test = ({id.rpartition("_cam")[0] for id in side} for side in (fold.train, fold.test))
        assert not train & test


def test_mmacts_protocols() -> None:
    rows = filmed(20, 1, 4, 5)
    (subjects,) = folds("cross-subject", rows)
    assert subjects_of(rows, subjects.train) == {str(s) for s in range(1, 17)}
    assert subjects_of(rows, subjects.test) == {"17", "18", "19", "20"}
    (sessions,) = folds("cross-session", rows)
    assert {row.session for row in rows if row.id in set(sessions.train)} == {"1", "2", "3", "4"}
    assert {row.session for row in rows if row.id in set(sessions.test)} == {"5"}
    (scenes,) = folds("cross-scene", rows)
    assert scenes.name == "scene=2"
    assert set(scenes.test) == {row.id for row in rows if row.scene == "2"}
    (views,) = folds("cross-view", rows)
    assert views.name == "view=4"
    assert set(views.test) == {row.id for row in rows if row.view == "4"}


def test_berkeley_mhads_protocol() -> None:
    rows = table(12, 11, 5)
    (fold,) = folds("subjects-1-7", rows)
    assert fold.name == "subjects=1..7"
    assert subjects_of(rows, fold.train) == {"1", "2", "3", "4", "5", "6", "7"}
    assert subjects_of(rows, fold.test) == {"8", "9", "10", "11", "12"}
    (inner,) = folds("inner-subjects-1-7", rows)
    assert subjects_of(rows, inner.train) == {"1", "2", "3", "4", "5"}
    assert subjects_of(rows, inner.test) == {"6", "7"}


def test_inner_trial_halves_the_training_repetitions_of_utd_mhad() -> None:
    rows = utd_mhad()
    (inner,) = folds("inner-trial", rows)
    assert inner.name == "inner-sessions=first-half"
    assert {row.session for row in rows if row.id in set(inner.train)} == {"1"}
    assert {row.session for row in rows if row.id in set(inner.test)} == {"2"}
    assert (len(inner.train), len(inner.test)) == (216, 216)


def test_an_unknown_protocol_lists_the_known_ones() -> None:
    with pytest.raises(TrainingError, match=r"unknown name 'losso'; choose one of .*loso"):
        folds("losso", table(2))


@pytest.mark.parametrize(
    ("protocol", "rows", "message"),
    [
        ("subject-50-50", [Row("x", "2")], "fold subjects=odd has no training recordings"),
        ("loso", [Row("x", "1")], "fold subject=1 has no training recordings"),
        ("trial", [Row("x", "1")], "fold sessions=first-half has no test recordings"),
        ("cross-session", table(3), "has no training recordings"),
        ("loso", [], "no recordings to split"),
        ("subject-50-50", [Row("x", "anna")], "subject 'anna' has no number"),
        ("subjects-1-7", [Row("x", "anna")], "subject 'anna' has no number"),
        ("inner-subjects-1-7", [Row("x", "anna")], "subject 'anna' has no number"),
        ("subjects-1-7", table(7), "fold subjects=1..7 has no test recordings"),
        ("inner-subjects-1-7", table(5), "fold subjects=1..5 has no test recordings"),
        ("inner-trial", table(3, 2, 2), "fold inner-sessions=first-half has no test recordings"),
        ("cross-scene", [Row("x", "1", scene="2"), Row("y", "1")], "cross-scene: recording y has no scene"),
        ("cross-view", table(3), "cross-view: recording a1_s1_t1 has no view"),
        ("cross-view", [Row("x", "1", view="1")], "the recordings' views are: 1; let the source list all"),
        ("cross-view", [Row("x", "1", view="4")], "the recordings' views are: 4; let the source list all"),
        ("cross-scene", [], "no recordings to split"),
    ],
)
def test_a_table_that_cannot_be_split_says_so(protocol: str, rows: list[Row], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        folds(protocol, rows)
