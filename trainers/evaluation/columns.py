"""The columns of recordings that a protocol may go by: what each has, and what its source adds."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from trainers.evaluation.folds import SplitError, Trial, in_order, listed
from trainers.evaluation.protocol_params import Where, texts

_FIELDS = {"id": "id", "subject": "subject", "label": "action", "session": "session", "scene": "scene", "view": "view"}


def column_values(trials: Sequence[Trial], column: str, key: str) -> list[str | None]:
    """Return each recording's value of a column, None where it has none; SplitError where no recording has one."""
    attribute = _FIELDS.get(column)
    values: list[str | None] = [
        getattr(trial, attribute) if attribute else trial.columns.get(column) for trial in trials
    ]
    if trials and not any(value is not None for value in values):
        raise SplitError(key, f"no recording has a {column}", _known(column, _columns(trials)))
    return values


def complete_values(trials: Sequence[Trial], column: str, key: str) -> list[str]:
    """Return each recording's value of a column; SplitError where one has none."""
    values = []
    for trial, value in zip(trials, column_values(trials, column, key), strict=True):
        if value is None:
            remedy = "give it one, leave it out, or choose another column"
            raise SplitError(key, f"recording {trial.id} has no {column}", remedy)
        values.append(value)
    return values


def selected(trials: Sequence[Trial], where: Where, key: str) -> frozenset[str]:
    """Return the ids of the recordings that fit all conditions; SplitError for a value that no recording has."""
    if not where:
        raise SplitError(key, "names no column", f"for example {key.rpartition('.')[2]}: {{subject: [2, 4]}}")
    chosen = frozenset(trial.id for trial in trials)
    for column, written in where.items():
        place, wanted = f"{key}.{column}", texts(written)
        values = column_values(trials, column, place)
        present = {value for value in values if value is not None}
        if not wanted:
            raise SplitError(place, "the list is empty", _known("", present))
        for i, value in enumerate(wanted):
            if value not in present:
                at = f"{place}[{i}]" if isinstance(written, tuple) else place
                raise SplitError(at, f"no recording has the {column} {value}", _known(value, present))
        fitting = frozenset(wanted)
        chosen &= {trial.id for trial, value in zip(trials, values, strict=True) if value in fitting}
    if not chosen:
        raise SplitError(key, "no recording fits all of it", "take a condition out")
    return chosen


def _columns(trials: Sequence[Trial]) -> list[str]:
    there = [name for name, attribute in _FIELDS.items() if any(getattr(t, attribute) is not None for t in trials)]
    return [*there, *sorted({name for trial in trials for name in trial.columns})]


def _known(name: str, known: Sequence[str] | set[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean `{close[0]}`? " if close else ""
    return f"{hint}there are: {listed(known if isinstance(known, list) else in_order(set(known)))}"
