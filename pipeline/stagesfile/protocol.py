"""What `protocol:` says: a name, or a mapping whose first words say how recordings are split."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from pipeline.stagesfile.document import Document
from pipeline.stagesfile.schema import convert, did_you_mean
from trainers.evaluation.protocol_params import (
    KFolds,
    LeaveOneOut,
    ProtocolParams,
    RandomSplit,
    Sides,
    WrittenFold,
    WrittenFolds,
)
from trainers.evaluation.protocols import PROTOCOLS

KINDS: Mapping[str, type[ProtocolParams]] = {
    "leave-one-out": LeaveOneOut,
    "k-folds": KFolds,
    "random": RandomSplit,
    "folds": WrittenFolds,
    "test": Sides,
    "train": Sides,
}


def read_protocol(document: Document, value: str | Mapping[str, Any]) -> str | ProtocolParams:
    """Return a protocol's name, or its parameters; ConfigError names line, key and remedy."""
    if isinstance(value, str):
        if value not in PROTOCOLS:
            raise document.error("protocol", f"no protocol {value!r}", did_you_mean(value, PROTOCOLS))
        return value
    kind = next((kind for word, kind in KINDS.items() if word in value), None)
    if kind is None:
        key = f"protocol.{next(iter(value))}" if value else "protocol"
        problem = "no such key" if value else "says nothing"
        raise document.error(key, problem, did_you_mean(next(iter(value), ""), KINDS))
    _check_values(document, value)
    params = convert(document, "protocol", value, kind)
    if isinstance(params, WrittenFolds):
        _check_folds(document, params.folds)
    elif isinstance(params, Sides) and params.test is None and params.train is None:
        raise document.error("protocol", "names no recordings", "for example protocol: {test: {subject: [2, 4]}}")
    return params


def _check_values(document: Document, value: Mapping[str, Any]) -> None:
    """Say of a value that YAML reads as something else, such as ``yes``, that it wants quotes."""
    folds = value.get("folds")
    places = {f"protocol.folds[{i}]": fold for i, fold in enumerate(folds if isinstance(folds, list) else ())}
    for place, sides in {"protocol": value, **places}.items():
        for side in ("test", "train"):
            where = sides.get(side) if isinstance(sides, dict) else None
            for column, written in where.items() if isinstance(where, dict) else ():
                listed = isinstance(written, list)
                for i, each in enumerate(written if listed else [written]):
                    if isinstance(each, (bool, float)):
                        key = f"{place}.{side}.{column}{f'[{i}]' if listed else ''}"
                        text = msgspec.json.encode(each).decode()
                        raise document.error(key, f"{text} is no text", "put quotes around what the recordings have")


def _check_folds(document: Document, folds: tuple[WrittenFold, ...]) -> None:
    if not folds:
        raise document.error("protocol.folds", "the list is empty", "write {name: a, test: {subject: [1, 2]}}")
    for i, fold in enumerate(folds):
        if not re.fullmatch(r"[\w.+-]{1,60}", fold.name):
            remedy = "take letters, digits, `-`, `+`, `_` and `.`, at most 60"
            raise document.error(f"protocol.folds[{i}].name", f"{fold.name!r} is not a name for a fold", remedy)
        if fold.test is None and fold.train is None:
            remedy = "give it `test`, `train` or both"
            raise document.error(f"protocol.folds[{i}]", f"fold {fold.name} names no recordings", remedy)
        if fold.name in [other.name for other in folds[:i]]:
            raise document.error(f"protocol.folds[{i}].name", f"there is a fold {fold.name} already", "rename one")
