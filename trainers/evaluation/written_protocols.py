"""Protocols that a stages file writes out (`trainers.evaluation.protocol_params`): pure functions, as those by name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from trainers.evaluation.columns import complete_values, selected
from trainers.evaluation.folds import Fold, SplitError, Trial, in_order, listed
from trainers.evaluation.k_folds import deal, deal_stratified
from trainers.evaluation.protocol_params import (
    KFolds,
    LeaveOneOut,
    ProtocolParams,
    RandomSplit,
    Sides,
    WrittenFold,
    WrittenFolds,
    where_text,
)

_MOST_FOLDS = 1000
_LONGEST_NAME = 40


def written_folds(protocol: ProtocolParams, trials: Sequence[Trial], table: Sequence[Trial]) -> tuple[Fold, ...]:
    """Split recordings by a protocol that is written out.

    Parameters
    ----------
    trials
        What is split; ids are unique.
    table
        All recordings that there are, those among them that are not split, too: so that folds stay the same whichever
        are broken or lack a stream.

    Raises
    ------
    SplitError
        For a column or a value that no recording has, recordings on both sides, or a fold with an empty side.
    """
    if not trials:
        raise SplitError("", "there are no recordings to split", "check the source")
    if isinstance(protocol, LeaveOneOut):
        made = _leave_one_out(protocol, trials)
    elif isinstance(protocol, KFolds):
        made = _k_folds(protocol, trials, table)
    elif isinstance(protocol, RandomSplit):
        made = (_random(protocol, trials),)
    elif isinstance(protocol, WrittenFolds):
        made = tuple(
            _by_columns(f"fold={fold.name}", fold, trials, table, f"folds[{i}].")
            for i, fold in enumerate(protocol.folds)
        )
    else:
        made = (_by_columns(_name_of(protocol), protocol, trials, table, ""),)
    for i, fold in enumerate(made):
        for side, ids in (("training", fold.train), ("test", fold.test)):
            if not ids:
                key = f"folds[{i}]" if isinstance(protocol, WrittenFolds) else ""
                problem = f"fold {fold.name} has no {side} recordings, of {len(trials)} that can be used"
                raise SplitError(key, problem, "add recordings, or split them in another way")
    return made


def _by_columns(
    name: str, sides: Sides | WrittenFold, trials: Sequence[Trial], table: Sequence[Trial], key: str
) -> Fold:
    test = None if sides.test is None else selected(table, sides.test, f"{key}test")
    train = None if sides.train is None else selected(table, sides.train, f"{key}train")
    if train is not None and test is not None and (both := train & test):
        problem = f"recording {min(both)} is in test, too ({len(both)} in all)"
        raise SplitError(
            f"{key}train", problem, "let no recording fit both; without `train`, all others are trained on"
        )
    everything = frozenset(trial.id for trial in table)
    train = everything - (test or frozenset()) if train is None else train
    test = everything - train if test is None else test
    return Fold(name, _ids(trials, train), _ids(trials, test))


def _leave_one_out(protocol: LeaveOneOut, trials: Sequence[Trial]) -> tuple[Fold, ...]:
    column, key = protocol.column, "leave-one-out"
    values = complete_values(trials, column, key)
    ids: dict[str, list[str]] = {}
    for trial, value in zip(trials, values, strict=True):
        ids.setdefault(value, []).append(trial.id)
    if len(ids) == 1:
        raise SplitError(key, f"all recordings have the {column} {values[0]}", "choose another column")
    if len(ids) > _MOST_FOLDS:
        raise SplitError(key, f"{column} makes {len(ids)} folds", f"{_MOST_FOLDS} at most: use k-folds")
    everything = [trial.id for trial in trials]
    return tuple(
        Fold(f"{column}={value}", _without(everything, frozenset(ids[value])), tuple(ids[value]))
        for value in in_order(ids)
    )


def _k_folds(protocol: KFolds, trials: Sequence[Trial], table: Sequence[Trial]) -> tuple[Fold, ...]:
    groups = complete_values(table, protocol.by, "by")
    names = in_order(set(groups))
    if len(names) < protocol.count:
        problem = f"{protocol.count} folds by {protocol.by}, and there are {len(names)}: {listed(names)}"
        raise SplitError("k-folds", problem, f"take at most {len(names)}, or split by another column")
    if protocol.stratified:
        part_of = deal_stratified(groups, [trial.action for trial in table], protocol.count, protocol.seed)
    else:
        part_of = deal(groups, protocol.count, protocol.seed)
    part_of_id = {trial.id: part_of[group] for trial, group in zip(table, groups, strict=True)}
    parts: list[list[str]] = [[] for _ in range(protocol.count)]
    for trial in trials:
        parts[part_of_id[trial.id]].append(trial.id)
    everything = [trial.id for trial in trials]
    return tuple(
        Fold(f"fold={number}", _without(everything, frozenset(part)), tuple(part))
        for number, part in enumerate(parts, 1)
    )


def _random(protocol: RandomSplit, trials: Sequence[Trial]) -> Fold:
    """Split by a hash of each id, so that new recordings move no old one."""
    drawn = frozenset(trial.id for trial in trials if _chance(trial.id, protocol.seed) < protocol.share)
    return Fold(f"random={protocol.share:g}", _without([trial.id for trial in trials], drawn), _ids(trials, drawn))


def _chance(id_: str, seed: int) -> float:
    """Return a number of 0..1 that looks drawn."""
    return int.from_bytes(hashlib.sha256(f"random:{seed}:{id_}".encode()).digest()[:6], "big") / 2**48


def _ids(trials: Sequence[Trial], chosen: frozenset[str]) -> tuple[str, ...]:
    return tuple(trial.id for trial in trials if trial.id in chosen)


def _without(ids: Sequence[str], others: frozenset[str]) -> tuple[str, ...]:
    return tuple(id_ for id_ in ids if id_ not in others)


def _name_of(sides: Sides) -> str:
    side = "train" if sides.test is None else "test"
    text = where_text(getattr(sides, side))
    return f"{side}={text if len(text) <= _LONGEST_NAME else f'{text[: _LONGEST_NAME - 3]}...'}"
