"""Overrides of single keys: ``--set a.b=value`` and the points of the matrix."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.errors import ConfigError
from pipeline.stagesfile.document import Document
from store import expand_home, redact_secrets

_NUL = "holds a NUL character", "take it out"  # no path, URL or name can

_PLACES = ("store", "remote", "source.root")  # where things are: setting them makes no other experiment


def parse_setting(text: str) -> tuple[str, Any]:
    """Split ``a.b=value``; the value is read as YAML. Folders are relative to where the command runs."""
    key, equals, value = text.partition("=")
    if not equals or not key or any(not part for part in key.split(".")):
        raise ConfigError(
            f"--set {redact_secrets(text)}: not of the form key=value\n  for example --set stages.teacher.fit.epochs=5"
        )
    from pipeline.stagesfile.reader import read_value  # imports yaml

    try:
        parsed = read_value(value)
    except ValueError as error:
        problem = f"--set {text}: {error}\n  quote it, for example '\"{value}\"'"
        raise ConfigError(redact_secrets(problem)) from None
    if (found := _nul_in(parsed, key)) is not None:
        raise ConfigError("\n  ".join((f"--set {found}: {_NUL[0]}", _NUL[1])))
    if key == "remote" and isinstance(parsed, list):
        parsed = [
            str(expand_home(url).absolute()) if isinstance(url, str) and "://" not in url else url for url in parsed
        ]
    if isinstance(parsed, str) and "://" not in parsed and (key in _PLACES or _names_a_file(key, parsed)):
        parsed = str(expand_home(parsed).absolute())
    return key, parsed


def _nul_in(value: Any, key: str = "") -> str | None:
    """Return the dotted key of a text with a NUL character; None without one."""
    if isinstance(value, str):
        return key if "\0" in value else None
    if isinstance(value, dict):
        names = {each: f"{key}.{each}" if key else str(each) for each in value}
        found = (names[each] if "\0" in str(each) else _nul_in(value[each], names[each]) for each in value)
    elif isinstance(value, (list, tuple)):
        found = (_nul_in(each, f"{key}[{i}]") for i, each in enumerate(value))
    else:
        return None
    return next((each for each in found if each is not None), None)


def _names_a_file(key: str, value: str) -> bool:
    return key.endswith(".weights") and value.endswith((".pth", ".safetensors"))


def are_places(settings: Iterable[tuple[str, Any]]) -> bool:
    """Tell whether overrides say only where data and outputs are, so that the experiment stays the stages file's."""
    return all(key in _PLACES for key, _ in settings)


def with_settings(document: Document, settings: Iterable[tuple[str, Any]], origin: str) -> Document:
    """Copy a document with some keys replaced; a key's parents are created where they are missing."""
    values = copy.deepcopy(document.values)
    lines, origins = dict(document.lines), dict(document.origins)
    for key, value in settings:
        *parents, last = split_key(values, key)
        place: Any = values
        for depth, part in enumerate(parents):
            if place.get(part) is None:
                place[part] = {}
            elif isinstance(place[part], str) and part in ("model", "loss"):
                place[part] = {"name": place[part]}
            place = place[part]
            if not isinstance(place, dict):
                so_far = ".".join(parents[: depth + 1])
                raise ConfigError(f"{origin} {key}: {so_far} is not a mapping\n  set {so_far} itself instead")
        place[last] = value
        origins[key] = origin
        lines = {known: line for known, line in lines.items() if not _is_at_or_below(known, key)}
    made = Document(document.path, values, lines, origins)
    if (found := _nul_in(values)) is not None:
        raise made.error(found, *_NUL)
    return made


def split_key(values: Mapping[str, Any], key: str) -> list[str]:
    """Split a dotted key; a part that is there may have dots in itself, as an entry's name or a key of the matrix."""
    parts = key.split(".")
    found: list[str] = []
    place: Any = values
    while parts:
        there = place if isinstance(place, dict) else {}
        count = next((n for n in range(len(parts), 1, -1) if ".".join(parts[:n]) in there), 1)
        count = len(parts) if found == ["matrix"] else count
        found.append(".".join(parts[:count]))
        parts, place = parts[count:], there.get(found[-1])
    return found


def _is_at_or_below(key: str, place: str) -> bool:
    return key == place or key.startswith((f"{place}.", f"{place}["))


def matrix_points(matrix: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Expand the matrix: every combination of its keys' values, the last key varying fastest."""
    points: list[dict[str, Any]] = [{}]
    for key, values in matrix.items():
        points = [{**point, key: value} for point in points for value in values]
    return points
