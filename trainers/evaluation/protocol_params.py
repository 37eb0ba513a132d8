"""A protocol as a stages file may write it out, beside those that have a name. No torch and no numpy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct, field

Value = str | int
Where = Mapping[str, Value | tuple[Value, ...]]  # a column of the recordings to the values that fit; all must
Seed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Share = Annotated[float, Meta(gt=0, lt=1)]

_LONGEST_TEXT = 60


class Sides(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fold by values of columns.

    Attributes
    ----------
    test, train
        Which recordings; where one is left out, it is all that are not in the other.
    """

    test: Where | None = None
    train: Where | None = None


class LeaveOneOut(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Each value of a column is tested in turn by a model of all others."""

    column: str = field(name="leave-one-out")


class KFolds(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Each of k parts is tested in turn by a model of the others.

    Attributes
    ----------
    by
        The column whose equal values stay together; ``id``: by recording.
    stratified
        Whether each part has each class's share, as well as groups allow.
    """

    count: Annotated[int, Meta(ge=2, le=1000)] = field(name="k-folds")
    by: str = "subject"
    stratified: bool = False
    seed: Seed = 0


class RandomSplit(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A share of the recordings is tested, by chance."""

    share: Share = field(name="random")
    seed: Seed = 0


class WrittenFold(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of several folds, as `Sides`."""

    name: str
    test: Where | None = None
    train: Where | None = None


class WrittenFolds(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Folds written out."""

    folds: tuple[WrittenFold, ...]


ProtocolParams = Sides | LeaveOneOut | KFolds | RandomSplit | WrittenFolds


def texts(values: Value | tuple[Value, ...]) -> tuple[str, ...]:
    """Return values as recordings have them."""
    return tuple(map(str, values)) if isinstance(values, tuple) else (str(values),)


def where_text(where: Where) -> str:
    """Write conditions in short: ``subject=1..4+7 session=2``."""
    return " ".join(f"{column}={'+'.join(_runs(texts(values)))}" for column, values in where.items())


def protocol_text(protocol: str | ProtocolParams) -> str:
    """Write a protocol in short; different ones differently."""
    text = _text(protocol)
    if len(text) <= _LONGEST_TEXT:
        return text
    return f"{text[: _LONGEST_TEXT - 11]}... {hashlib.sha256(text.encode()).hexdigest()[:7]}"


def _text(protocol: str | ProtocolParams) -> str:
    if isinstance(protocol, str):
        return protocol
    if isinstance(protocol, LeaveOneOut):
        return f"leave one {protocol.column} out"
    if isinstance(protocol, KFolds):
        stratified = ", stratified" if protocol.stratified else ""
        return f"{protocol.count} folds by {protocol.by}{stratified}, seed {protocol.seed}"
    if isinstance(protocol, RandomSplit):
        return f"random {protocol.share:g}, seed {protocol.seed}"
    if isinstance(protocol, WrittenFolds):
        return "; ".join(f"{fold.name}: {_sides_text(fold)}" for fold in protocol.folds)
    return _sides_text(protocol)


def _sides_text(sides: Sides | WrittenFold) -> str:
    written = {"train": sides.train, "test": sides.test}
    return ", ".join(f"{side} {where_text(where)}" for side, where in written.items() if where is not None)


def _runs(values: tuple[str, ...]) -> list[str]:
    """Shorten each run of three or more numbers, one after another, to its ends: ``1..4``."""
    runs: list[list[str]] = []
    for value in values:
        if runs and runs[-1][-1].isdecimal() and value == str(int(runs[-1][-1]) + 1):
            runs[-1].append(value)
        else:
            runs.append([value])
    return [each for run in runs for each in ([f"{run[0]}..{run[-1]}"] if len(run) > 2 else run)]
