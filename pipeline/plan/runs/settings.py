"""What a run was asked for: the stages file's values with its settings, and how two of these differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.registry import TRAINED
from pipeline.stagesfile.document import Document
from pipeline.stagesfile.settings import OF_READING
from store import redact_secrets

UNSET = "unset"  # of a key that one side has not
_NO_PART = ("store", "remote", *OF_READING)  # where things are, and what is shown, makes no other experiment
_NAMES = ("model", "loss")  # `model: trn` is short for its name


def asked_of(document: Document) -> dict[str, Any]:
    """Return what a document says as JSON can say it, but for where data and outputs are."""
    values = {key: _plain(value) for key, value in document.values.items() if key not in _NO_PART}
    if isinstance(source := values.get("source"), dict):
        values["source"] = {key: value for key, value in source.items() if key != "root"}
    return values


def differing(asked: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Return, by dotted key, what is asked for otherwise than in `base`; UNSET where it is left out."""
    new, old = flat(asked), flat(base)
    keys = [key for key in {**new, **old} if key not in new or key not in old or new[key] != old[key]]
    return {key: new.get(key, UNSET) for key in keys if not _is_section_of(key, new)}


def differing_keys(several: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the dotted keys in which not all agree."""
    flattened = [flat(each) for each in several]
    keys = dict.fromkeys(key for each in flattened for key in each)
    return [key for key in keys if any(each.get(key, UNSET) != flattened[0].get(key, UNSET) for each in flattened)]


def is_about(key: str, entry: str, asked: Mapping[str, Any]) -> bool:
    """Tell whether a setting may change what an entry makes.

    One of ``stages.X`` is about X and what needs X, one of ``fit`` about trainings that do not say their own and what
    needs these; any other about all.
    """
    stages: dict[str, dict[str, Any]] = {name: body or {} for name, body in (asked.get("stages") or {}).items()}
    top, _, rest = key.partition(".")
    if top == "stages":
        named = sorted((name for name in stages if f"{rest}.".startswith(f"{name}.")), key=len)
        changed = {*named[-1:]}  # names may have dots
        if any(_stage(name, stages) == "evaluate" for name in changed):
            return True
    elif top == "fit" and rest:
        trained = [name for name in stages if _stage(name, stages) in TRAINED]
        changed = {name for name in trained if rest.partition(".")[0] not in (stages[name].get("fit") or {})}
    else:
        return True
    return entry not in stages or not changed.isdisjoint(_with_needs(entry, stages))


def _stage(name: str, stages: Mapping[str, Mapping[str, Any]]) -> str:
    return str(stages[name].get("stage", name))


def _with_needs(entry: str, stages: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return an entry and all that it needs, directly or not."""
    found, open_ = set[str](), [entry]
    while open_:
        if (name := open_.pop()) not in found:
            found.add(name)
            open_ += stages.get(name, {}).get("needs") or []
    return found


def setting_text(key: str, value: Any) -> str:
    """Write a setting as ``--set`` takes it: ``fit.lr=0.01``."""
    return f"{key}={value_text(value)}"


def value_text(value: Any) -> str:
    """Write a value as a person would type it."""
    return redact_secrets(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return plain values by dotted key; lists stay whole."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        named = {"name": value} if key in _NAMES and isinstance(value, str) else value
        if isinstance(named, dict) and named:
            found |= flat(named, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = (
                {} if named is None and prefix == "stages." else named
            )  # an entry with nothing in it
    return found


def _is_section_of(key: str, values: Mapping[str, Any]) -> bool:
    """Tell whether a key is left out only because there is more below it."""
    return key not in values and any(each.startswith(f"{key}.") for each in values)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, (str, bool, int)) else _number_or_text(value)


def _number_or_text(value: Any) -> float | str:
    return value if isinstance(value, float) and abs(value) < float("inf") else str(value)
