"""Which recordings are set apart: whole subjects or spread recordings, the same for every model, never all of them."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainers.errors import TrainingError
from trainers.evaluation.validation import validation_ids

SHARES = st.floats(0.01, 0.99)


def table(pairs: list[tuple[int, int]]) -> list[Any]:
    """Make recordings of pairs of subject and action."""
    return [
        SimpleNamespace(id=f"r{i}", subject=str(subject), action=str(action))
        for i, (subject, action) in enumerate(pairs)
    ]


PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=2, max_size=60)


@given(PAIRS.filter(lambda pairs: len({subject for subject, _ in pairs}) > 1), SHARES, st.randoms())
def test_whole_subjects_where_new_subjects_are_tested(pairs: list[tuple[int, int]], share: float, random: Any) -> None:
    train = table(pairs)
    ids = validation_ids(train, ["new"], share)
    apart = {trial.subject for trial in train if trial.id in ids}
    left = {trial.subject for trial in train if trial.id not in ids}
    assert apart.isdisjoint(left)
    assert left
    assert len(apart) == min(max(round(share * len(apart | left)), 1), len(apart | left) - 1)
    random.shuffle(train)
    assert validation_ids(train, ["new"], share) == ids


@given(PAIRS.filter(lambda pairs: len({action for _, action in pairs}) < len(pairs)), SHARES)
def test_recordings_of_all_classes_where_known_subjects_are_tested(pairs: list[tuple[int, int]], share: float) -> None:
    train = table(pairs)
    ids = validation_ids(train, [train[0].subject], share)
    sizes = Counter(trial.action for trial in train)
    apart = Counter(trial.action for trial in train if trial.id in ids)
    assert ids
    assert len(ids) == min(max(round(share * len(train)), 1), len(train) - len(sizes))
    for action, size in sizes.items():
        assert apart[action] < size
        even = len(ids) / sum(n for n in sizes.values() if n > 1) * size
        assert len(ids) == len(train) - len(sizes) or abs(apart[action] - even) <= 2 or sizes[action] == 1


@given(PAIRS, st.booleans(), SHARES, SHARES)
def test_a_larger_share_holds_a_smaller_ones(
    pairs: list[tuple[int, int]], within: bool, one: float, other: float
) -> None:
    train = table(pairs)
    subjects = [train[0].subject] if within else []
    try:
        small, large = (validation_ids(train, subjects, share) for share in sorted((one, other)))
    except TrainingError:
        return
    assert small <= large


def test_other_folds_set_other_subjects_apart() -> None:
    apart = Counter[str]()
    for test in range(20):
        train = table([(subject, 0) for subject in range(20) if subject != test])
        ids = validation_ids(train, [str(test)], 0.25)
        apart.update(trial.subject for trial in train if trial.id in ids)
    assert max(apart.values()) <= 12  # of 19 folds, about 5 each
    assert len(apart) >= 15


def test_a_class_of_many_gives_more_than_one_of_few() -> None:
    train = table([(i % 2, int(i < 8)) for i in range(40)])
    ids = validation_ids(train, ["0"], 0.25)
    assert Counter(trial.action for trial in train if trial.id in ids) == {"0": 8, "1": 2}


def test_what_cannot_be_set_apart_says_why() -> None:
    with pytest.raises(TrainingError, match="7 is the only one who is trained on; add subjects"):
        validation_ids(table([(7, 0), (7, 1)]), ["8"], 0.5)
    with pytest.raises(TrainingError, match=r"each class has one to train on \(0, 1\); add recordings"):
        validation_ids(table([(7, 0), (7, 1)]), ["7"], 0.5)
