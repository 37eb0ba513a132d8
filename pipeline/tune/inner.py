"""Inner folds: a fold's training recordings, split again, so that settings are chosen without its test recordings.

Pure: recordings in, a protocol as a stages file writes it out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import ConfigError
from pipeline.sources.base import Recording
from pipeline.stagesfile.tune import LEAVE_ONE_OUT
from trainers.evaluation.folds import in_order
from trainers.evaluation.k_folds import deal, deal_stratified

_FEW_GROUPS = 4  # up to which each is left out in turn, where nothing else is said
_FOLDS = 3  # else
_BOTH = "subject and session"
_NAME = re.compile(r"[\w.+-]{1,40}")

Group = Callable[[Recording], str | None]


@dataclass(frozen=True)
class InnerFolds:
    """The inner folds of one training side.

    Attributes
    ----------
    by
        What stays together: ``subject``, or where the fold itself tests subjects that it trains on, another column.
    protocol
        As a stages file writes folds out.
    tests
        By inner fold, which groups it tests: subjects, say.
    """

    by: str
    protocol: Mapping[str, Any]
    tests: Mapping[str, Sequence[str]]

    @property
    def names(self) -> list[str]:
        """Return the folds' names, in order."""
        return list(self.tests)


def inner_folds(
    train: Sequence[Recording],
    test: Sequence[Recording],
    table: Sequence[Recording],
    count: int | str | None,
    own: Sequence[str] = (),
) -> InnerFolds:
    """Split a training side as its fold splits all recordings: by subject where it tests new ones.

    Parameters
    ----------
    train, test
        The sides of the outer fold.
    table
        All recordings, those that cannot be used among them.
    count
        How many folds, or ``leave-one-out``; None: that of up to 4 groups, else 3.
    own
        Columns that the outer protocol itself goes by.

    Raises
    ------
    ConfigError
        There are fewer groups of recordings than folds. The message has neither file nor key.
    """
    by, group = _grouping(train, test, own)
    labelled = {recording.id: str(group(recording)) for recording in train}
    groups = in_order(set(labelled.values()))
    if len(groups) < 2:
        problem = f"trains on {by} {groups[0]} alone, and inner folds need two"
        raise ConfigError(f"{problem}\n  choose a protocol that trains on more")
    each_alone = count == LEAVE_ONE_OUT or (count is None and by != "id" and len(groups) <= _FEW_GROUPS)
    wanted = len(groups) if each_alone else _FOLDS if count is None else int(count)
    if wanted > len(groups):
        problem = f"trains on {len(groups)} by {by}, too few for {wanted} inner folds"
        raise ConfigError(f"{problem}\n  take at most {len(groups)}, or {LEAVE_ONE_OUT}")
    if each_alone:
        part_of = {name: place for place, name in enumerate(groups)}
    elif by == "id":
        part_of = deal_stratified([r.id for r in train], [r.action for r in train], wanted, 0)
    else:
        part_of = deal(groups, wanted, 0)
    parts = [[name for name in groups if part_of[name] == part] for part in range(wanted)]
    whole = by not in ("id", _BOTH) and _is_whole(by, train, table)
    tests = {_name(part, place, each_alone): part for place, part in enumerate(parts)}
    return InnerFolds(by, {"folds": [_fold(name, part, by, labelled, whole) for name, part in tests.items()]}, tests)


def _fold(name: str, tested: Sequence[str], by: str, labelled: Mapping[str, str], whole: bool) -> dict[str, Any]:
    """Write one fold out, by the column where that says which recordings they are, else by their ids."""
    within = {*tested}
    if whole:
        others = [group for group in in_order(set(labelled.values())) if group not in within]
        return {"name": name, "test": {by: list(tested)}, "train": {by: others}}
    test = [id_ for id_, group in labelled.items() if group in within]
    train = [id_ for id_, group in labelled.items() if group not in within]
    return {"name": name, "test": {"id": test}, "train": {"id": train}}


def _name(part: Sequence[str], place: int, alone: bool) -> str:
    return part[0] if alone and _NAME.fullmatch(part[0]) else str(place + 1)


def _grouping(train: Sequence[Recording], test: Sequence[Recording], own: Sequence[str]) -> tuple[str, Group]:
    """Return what training and test recordings of a fold never share, the broadest first."""
    if _are_apart(train, test, _subject):
        return "subject", _subject
    columns: dict[str, Group] = {name: _column(name) for name in (*own, "session", "scene", "view")}
    columns[_BOTH] = lambda recording: f"{recording.subject}/{recording.session}"
    for by, group in columns.items():
        values = {group(recording) for recording in train}
        if None not in values and len(values) > 1 and _are_apart(train, test, group):
            return by, group
    return "id", _column("id")


def _are_apart(train: Sequence[Recording], test: Sequence[Recording], group: Group) -> bool:
    return {group(recording) for recording in train}.isdisjoint(group(recording) for recording in test)


def _subject(recording: Recording) -> str:
    return recording.subject


def _column(name: str) -> Group:
    attribute = {"label": "action"}.get(name, name)
    if attribute in Recording.__struct_fields__:
        return lambda recording: getattr(recording, attribute)
    return lambda recording: recording.columns.get(name)


def _is_whole(by: str, train: Sequence[Recording], table: Collection[Recording]) -> bool:
    """Tell whether a training side has all recordings of its groups, also of those that cannot be used."""
    group, ids = _column(by), {recording.id for recording in train}
    groups = {group(recording) for recording in train}
    return all(recording.id in ids for recording in table if group(recording) in groups)
