"""Overrides of single keys: ``--set a.b=value`` and the points of the matrix."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from pipeline.errors import ConfigError
from pipeline.stagesfile.document import Document
from store import expand_home, redact_secrets

_NUL = "holds a NUL character", "take it out"  # no path, URL or name can

_LOCATIONS = ("store", "remote", "source.root")  # of data and outputs: setting them makes no other experiment
OF_READING = ("tune", "compare", "published")  # sections that say what is searched and shown, which makes none either


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
    if (nul_key := _find_nul(parsed, key)) is not None:
        raise ConfigError(f"--set {nul_key}: {_NUL[0]}\n  {_NUL[1]}")
    if key == "remote" and isinstance(parsed, list):
        return key, [_absolute(url) for url in parsed]
    return key, _absolute(parsed) if key in _LOCATIONS or _is_weights_file(key, parsed) else parsed


def _absolute(value: Any) -> Any:
    """Make a folder absolute; a URL, or what is no text, stays as it is."""
    return str(expand_home(value).absolute()) if isinstance(value, str) and "://" not in value else value


def _is_weights_file(key: str, value: Any) -> bool:
    return isinstance(value, str) and key.endswith(".weights") and value.endswith((".pth", ".safetensors"))


def _find_nul(value: Any, key: str = "") -> str | None:
    """Return the dotted key of a text with a NUL character; None without one."""
    if isinstance(value, str):
        return key if "\0" in value else None
    if isinstance(value, dict):
        names = {each: f"{key}.{each}" if key else str(each) for each in value}
        below = (names[each] if "\0" in str(each) else _find_nul(value[each], names[each]) for each in value)
    elif isinstance(value, (list, tuple)):
        below = (_find_nul(each, f"{key}[{i}]") for i, each in enumerate(value))
    else:
        return None
    return next((each for each in below if each is not None), None)


def are_locations(settings: Iterable[tuple[str, Any]]) -> bool:
    """Tell whether overrides only say where data and outputs are, so that the experiment stays the stages file's."""
    return all(key in _LOCATIONS for key, _ in settings)


def trial_of(settings: Iterable[tuple[str, Any]]) -> str:
    """Return 12 hex digits that stand for the overrides that make another experiment; empty where none does."""
    others = {key: value for key, value in settings if key not in _LOCATIONS and key.split(".")[0] not in OF_READING}
    return sha256(repr(sorted(others.items())).encode("utf-8", "backslashreplace")).hexdigest()[:12] if others else ""


def with_settings(document: Document, settings: Iterable[tuple[str, Any]], origin: str) -> Document:
    """Copy a document with some keys replaced; a key's parents are created where they are missing."""
    values = _copied(document.values)
    lines, origins = dict(document.lines), dict(document.origins)
    for key, value in settings:
        *parents, last = split_key(values, key)
        section: Any = values
        for depth, part in enumerate(parents):
            if section.get(part) is None:
                section[part] = {}
            elif isinstance(section[part], str) and part in ("model", "loss"):  # `model: trn` is short for its name
                section[part] = {"name": section[part]}
            section = section[part]
            if not isinstance(section, dict):
                parent = ".".join(parents[: depth + 1])
                raise ConfigError(f"{origin} {key}: {parent} is not a mapping\n  set {parent} itself instead")
        section[last] = value
        origins[key] = origin
        lines = {known: line for known, line in lines.items() if not _is_at_or_below(known, key)}
    overridden = Document(document.path, values, lines, origins)
    if (nul_key := _find_nul(values)) is not None:
        raise overridden.error(nul_key, *_NUL)
    return overridden


def _copied(value: Any) -> Any:
    """Copy plain values; what YAML's aliases repeat becomes as many values, so that one can be set alone."""
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value


def split_key(values: Mapping[str, Any], key: str) -> list[str]:
    """Split a dotted key; a part that exists may have dots in itself, as an entry's name or a key of the matrix."""
    words = key.split(".")
    parts: list[str] = []
    section: Any = values
    while words:
        existing = section if isinstance(section, dict) else {}
        count = next((n for n in range(len(words), 1, -1) if ".".join(words[:n]) in existing), 1)
        count = len(words) if parts == ["matrix"] else count
        parts.append(".".join(words[:count]))
        words, section = words[count:], existing.get(parts[-1])
    return parts


def _is_at_or_below(key: str, ancestor: str) -> bool:
    return key == ancestor or key.startswith((f"{ancestor}.", f"{ancestor}["))


def matrix_points(matrix: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Expand the matrix: every combination of its keys' values, the last key varying fastest."""
    return [dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())]
