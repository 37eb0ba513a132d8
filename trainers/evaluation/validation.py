"""Which part of a fold's training side is set apart for validation: a pure function. Standard library only."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence

from trainers.evaluation.folds import SplitError, Trial, listed


def validation_ids(train: Sequence[Trial], test_subjects: Collection[str], share: float) -> frozenset[str]:
    """Choose the recordings of a training side that nothing is fitted on: of the kind that the test side is to it.

    Where no subject is on both sides of the fold, whole subjects: the share of them, one at least, and one at least is
    left. Where one is, recordings: the share of them, spread over the classes, and of each class one at least is left.
    Hashes of names decide, so that every model of a fold has the same ones, and a larger share holds a smaller one's;
    with whom the fold tests in them, so that in another fold it is others.

    Parameters
    ----------
    train
        The training side.
    test_subjects
        Those of the test side.
    share
        0..1, of subjects or recordings.

    Raises
    ------
    SplitError
        There is nothing that can be set apart.
    """
    fold = "\n".join(sorted(test_subjects))
    subjects = sorted({trial.subject for trial in train}, key=lambda subject: _hash(f"{fold}\n{subject}"))
    if not subjects or not {*subjects}.isdisjoint(test_subjects):
        return _recordings(train, share)
    if len(subjects) == 1:
        problem = f"a subject must be set apart, and {subjects[0]} is the only one who is trained on"
        raise SplitError("", problem, "add subjects, or leave `validation` out")
    apart = {*subjects[: min(max(round(share * len(subjects)), 1), len(subjects) - 1)]}
    return frozenset(trial.id for trial in train if trial.subject in apart)


def _recordings(train: Sequence[Trial], share: float) -> frozenset[str]:
    """Take recordings in an order in which each class comes as evenly as its size allows."""
    sizes = Counter(trial.action for trial in train)
    seen = Counter[str]()
    places: list[tuple[float, str]] = []
    for trial in sorted(train, key=lambda trial: _hash(trial.id)):
        seen[trial.action] += 1
        if seen[trial.action] < sizes[trial.action]:  # the last one of a class is trained on
            places.append(((2 * seen[trial.action] - 1) / sizes[trial.action], trial.id))
    if not places:
        problem = f"a recording must be set apart, and each class has one to train on ({listed(sorted(sizes))})"
        raise SplitError("", problem, "add recordings, or leave `validation` out")
    chosen = sorted(places, key=lambda place: place[0])[: max(round(share * len(train)), 1)]
    return frozenset(id_ for _, id_ in chosen)


def _hash(name: str) -> bytes:
    return hashlib.sha256(f"validation:{name}".encode()).digest()
