"""Settings as Python has them, as ``--set`` takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from typing import Any

from pipeline.errors import ConfigError


def setting_texts(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return each setting as ``KEY=VALUE``; ConfigError where one is none."""
    if not isinstance(settings, Mapping):
        raise ConfigError(f"settings: {settings!r} is no mapping\n  for example {{'stages.teacher.fit.epochs': 40}}")
    if wrong := [key for key in settings if not isinstance(key, str) or "=" in key]:
        raise ConfigError(f"settings: {wrong[0]!r} is no key\n  write keys as for --set: stages.teacher.fit.epochs")
    return tuple(f"{key}={_as_text(key, value)}" for key, value in settings.items())


def _as_text(key: str, value: Any) -> str:
    def plain(other: Any) -> Any:
        if isinstance(other, PathLike):
            return str(other)
        if hasattr(other, "tolist"):  # NumPy's and torch's numbers and arrays
            return other.tolist()
        if isinstance(other, range):
            return list(other)
        raise ConfigError(f"settings: {key}: {type(other).__name__} is nothing that YAML has\n  give plain values")

    return json.dumps(value, default=plain)
