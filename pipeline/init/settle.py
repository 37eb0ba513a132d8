"""What the user has decided on: keys of the stages file, which go before what was found."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import ConfigError


class Settings:
    """Dotted keys and their values."""

    def __init__(self, settings: Sequence[tuple[str, Any]]) -> None:
        self._values = dict(settings)

    def has(self, key: str) -> bool:
        """Tell whether a key was decided on, or one that it is part of."""
        return any(key == each or key.startswith(f"{each}.") for each in self._values)

    def names(self) -> list[str]:
        """Return the dotted keys."""
        return [*self._values]

    def get(self, key: str) -> Any:
        """Return a key's value; None where it has none."""
        return self._values.get(key)

    def within(self, key: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return a section of the stages file with what was decided on for it; an empty key means all of the file."""
        found = copy.deepcopy(dict(values))
        for name, value in self._values.items():
            if key and not name.startswith(f"{key}."):
                continue
            *parents, last = name.removeprefix(f"{key}." if key else "").split(".")
            section = found
            for parent in parents:
                below = section.setdefault(parent, {})
                if not isinstance(below, dict):
                    raise ConfigError(f"--set {name}: {parent} is no mapping\n  set {parent} itself instead")
                section = below
            section[last] = value
        return found
