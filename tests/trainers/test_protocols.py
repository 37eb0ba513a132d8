"""Protocols split recordings as the papers say, and never share one between the sides."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainers.errors import TrainingError
from trainers.protocols import PROTOCOLS, Fold, folds


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


@given(st.sampled_from(sorted(PROTOCOLS)), st.permutations(table(6, 3, 5)))
def test_every_fold_splits_without_overlap_whatever_the_tables_order(protocol: str, rows: list[Row]) -> None:
    def sides(made: tuple[Fold, ...]) -> list[tuple[str, set[str], set[str]]]:
        return [(fold.name, set(fold.train), set(fold.test)) for fold in made]

    made = folds(protocol, rows)
    assert sides(made) == sides(folds(protocol, table(6, 3, 5)))
    for fold in made:
        assert not set(fold.train) & set(fold.test)
        if protocol != "inner-loso":
            assert len(fold.train) + len(fold.test) == len(rows)


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
    ],
)
def test_a_table_that_cannot_be_split_says_so(protocol: str, rows: list[Row], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        folds(protocol, rows)
