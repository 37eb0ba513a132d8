"""Protocols with a name: pure functions from the table of recordings to folds. Standard library only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeVar

from trainers.errors import TrainingError
from trainers.evaluation.folds import Fold, Trial, in_order, is_number, listed

K = TypeVar("K")
ALL_DATA = "all-data"  # the protocol that tests nothing


def folds(protocol: str, trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """Split a table of recordings, whose ids are unique, by a protocol's name in `PROTOCOLS`.

    Raises
    ------
    TrainingError
        For an unknown protocol, a table that the protocol cannot split, or a fold with an empty side.
    """
    if protocol not in PROTOCOLS:
        raise TrainingError(f"protocol: unknown name {protocol!r}; choose one of {', '.join(PROTOCOLS)}")
    made = PROTOCOLS[protocol](trials)
    if not made:
        raise TrainingError(f"protocol {protocol}: there are no recordings to split; check the source")
    for fold in made:
        for side, ids in (("training", fold.train), ("test", fold.test)):
            if not ids and not (protocol == ALL_DATA and side == "test"):
                raise TrainingError(
                    f"protocol {protocol}: fold {fold.name} has no {side} recordings "
                    f"(subjects: {listed(_subjects(trials))}; {len(trials)} recordings); "
                    "add recordings or choose another protocol"
                )
    return made


def _subject_50_50(trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """Odd-numbered subjects train, even-numbered ones test (DMFT 4.2, after the UTD-MHAD paper)."""
    return _split("subjects=odd", trials, lambda trial: _is_odd(trial.subject))


def _loso(trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """Each subject in turn is tested by a model of all the others (DMFT 4.2)."""
    return tuple(fold for subject in _subjects(trials) for fold in _leave_out(subject, trials))


def _inner_loso(trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """Leave one out among the training subjects of subject-50-50, for choosing settings honestly."""
    return _loso([trial for trial in trials if _is_odd(trial.subject)])


def _cross_subject(trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """The first 80 % of the numbered subjects train (MMAct's protocol, DMFT 4.2)."""
    subjects = _subjects(trials)
    first = subjects[: len(subjects) * 4 // 5]
    name = f"subjects={first[0]}..{first[-1]}" if first else "subjects=first-80%"
    return _split(name, trials, lambda trial: trial.subject in first)


def _cross_session(trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """The first 80 % of each subject's sessions train (MMAct's protocol, DMFT 4.2)."""
    sessions = _grouped((trial.subject, trial.session) for trial in trials)
    first = {subject: names[: len(names) * 4 // 5] for subject, names in sessions.items()}
    name = "sessions=first-80%"
    return _split(name, trials, lambda trial: trial.session in first[trial.subject])


def _cross_scene(trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """Scene 2 tests, all others train (MMAct's protocol); actions of other scenes alone are never tested."""
    return _by_value("scene", "2", trials)


def _cross_view(trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """Camera 4 tests, all others train (MMAct's protocol). For models that see video only.

    The cameras of a clip share its sensors, so that the very sensor data of every test recording is among the
    training recordings: with a sensor modality, also one of a teacher, this protocol measures memory.
    """
    return _by_value("view", "4", trials)


def _subjects_1_7(trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """Subjects 1 to 7 train, all others test (Berkeley-MHAD's published split)."""
    return _up_to(7, trials)


def _inner_subjects_1_7(trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """Of the training subjects of subjects-1-7, 1 to 5 train and 6 and 7 test, for choosing settings honestly."""
    return _up_to(5, [trial for trial in trials if _number(trial.subject) <= 7])


def _trial(trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """The first half of the sessions of each subject's action train (the split behind VSKD's figures)."""
    sessions = _grouped(((trial.subject, trial.action), trial.session) for trial in trials)
    first = {pair: names[: (len(names) + 1) // 2] for pair, names in sessions.items()}
    name = "sessions=first-half"
    return _split(name, trials, lambda trial: trial.session in first[trial.subject, trial.action])


def _inner_trial(trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """The trial protocol again within its own training side, for choosing settings honestly."""
    outer = {id for fold in _trial(trials) for id in fold.train}
    inner = _trial([trial for trial in trials if trial.id in outer])
    return tuple(Fold("inner-sessions=first-half", fold.train, fold.test) for fold in inner)


def _random(trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """Half by chance: a hash of each id decides, so that new recordings move no old one."""
    return _split("random=half", trials, _is_drawn)


def _all_data(trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """Every recording trains and none tests: for a model that is shipped, whose figures are another protocol's."""
    return _split("all", trials, lambda trial: True)


PROTOCOLS: Mapping[str, Callable[[Sequence[Trial]], tuple[Fold, ...]]] = {
    "subject-50-50": _subject_50_50,
    "loso": _loso,
    "cross-subject": _cross_subject,
    "cross-session": _cross_session,
    "cross-scene": _cross_scene,
    "cross-view": _cross_view,
    "subjects-1-7": _subjects_1_7,
    "trial": _trial,
    "random": _random,
    "inner-loso": _inner_loso,
    "inner-trial": _inner_trial,
    "inner-subjects-1-7": _inner_subjects_1_7,
    ALL_DATA: _all_data,
}


def _split(name: str, trials: Sequence[Trial], trains: Callable[[Trial], bool]) -> tuple[Fold, ...]:
    """Make the one fold of a table; none of an empty one."""
    sides = [(trial.id, trains(trial)) for trial in trials]
    fold = Fold(name, tuple(id for id, train in sides if train), tuple(id for id, train in sides if not train))
    return (fold,) if trials else ()


def _leave_out(subject: str, trials: Sequence[Trial]) -> tuple[Fold, ...]:
    return _split(f"subject={subject}", trials, lambda trial: trial.subject != subject)


def _by_value(what: Literal["scene", "view"], value: str, trials: Sequence[Trial]) -> tuple[Fold, ...]:
    """Test what was recorded in one scene or by one camera; TrainingError where that splits nothing."""
    values: dict[str, str | None] = {trial.id: getattr(trial, what) for trial in trials}
    without = next((trial for trial in trials if values[trial.id] is None), None)
    if without is not None:
        raise TrainingError(
            f"protocol cross-{what}: recording {without.id} has no {what}; "
            "choose another protocol, or leave such recordings out"
        )
    present = in_order({own for own in values.values() if own is not None})
    if trials and (value not in present or present == [value]):
        raise TrainingError(
            f"protocol cross-{what}: tests {what} {value} and trains on the others, but the recordings' "
            f"{what}s are: {listed(present)}; let the source list all, or choose another protocol"
        )
    return _split(f"{what}={value}", trials, lambda trial: values[trial.id] != value)


def _up_to(last: int, trials: Sequence[Trial]) -> tuple[Fold, ...]:
    return _split(f"subjects=1..{last}", trials, lambda trial: _number(trial.subject) <= last)


def _is_odd(subject: str) -> bool:
    return _number(subject) % 2 == 1


def _number(subject: str) -> int:
    if not is_number(subject):
        raise TrainingError(
            f"protocol: subject {subject!r} has no number, which this protocol splits by; "
            "choose loso, cross-subject or random, or number the subjects"
        )
    return int(subject)


def _is_drawn(trial: Trial) -> bool:
    return hashlib.sha256(f"random=half:{trial.id}".encode()).digest()[0] % 2 == 0


def _subjects(trials: Iterable[Trial]) -> list[str]:
    return in_order({trial.subject for trial in trials})


def _grouped(pairs: Iterable[tuple[K, str]]) -> dict[K, list[str]]:
    groups: dict[K, set[str]] = {}
    for key, name in pairs:
        groups.setdefault(key, set()).add(name)
    return {key: in_order(names) for key, names in groups.items()}
