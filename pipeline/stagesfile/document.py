"""A stages file as plain values, with the origin of every key for messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from store import redact_secrets


@dataclass
class Document:
    """Plain values, and the line or the override that each came from."""

    path: Path  # the file; relative paths in it are relative to its folder
    values: dict[str, Any]  # what it says, after `--set`
    lines: dict[str, int] = field(default_factory=dict)  # dotted key to 1-based line, for messages
    # Dotted key to what set it instead: `--set`, or the place in the file below which it stands, such as `matrix`.
    origins: dict[str, str] = field(default_factory=dict)

    def error(self, key: str, problem: str, remedy: str) -> ConfigError:
        """Make the error that names file, line, key, problem and remedy."""
        location, problem = redact_secrets(self.locate(key)), redact_secrets(problem)
        of_file = f"{key}: {problem}\n  {remedy}" if location.startswith(str(self.path)) else ""
        return ConfigError(f"{location}: {problem}\n  {remedy}", of_file)

    def locate(self, key: str) -> str:
        """Say where a key comes from: ``stages.yaml:12: stages.teacher.fit``, with the line of the nearest key above.

        One that was overridden comes from there: ``--set stages.teacher.fit: stages.teacher.fit.lr``.
        """
        probe = key
        while probe and probe not in self.lines and self._origin(probe) is None:
            probe = probe[: max(probe.rfind("."), probe.rfind("["), 0)]
        set_key = self._origin(probe) if probe else None
        if set_key is not None and self.origins[set_key] != "--set":
            probe = f"{self.origins[set_key]}.{set_key}"
            prefix = f"{probe}: "
        elif set_key is not None:
            return f"{self.origins[set_key]} {set_key}" + (f": {key}" if key != set_key else "")
        else:
            prefix = ""
        line = f":{self.lines[probe]}" if probe in self.lines else ""
        return f"{self.path}{line}: {prefix}{key}" if key else f"{self.path}{line}"

    def set_by(self, key: str) -> str:
        """Return what overrode a key or one above it, such as ``--set``; empty where the file says it there."""
        probe = key
        while probe and probe not in self.origins:
            probe = probe.rpartition(".")[0]
        return self.origins.get(probe, "")

    def _origin(self, key: str) -> str | None:
        """Return the overridden key that a key comes from: itself or, where the file lacks it, one below it."""
        if key in self.origins or key in self.lines:
            return key if key in self.origins else None
        return next((each for each in self.origins if each.startswith(f"{key}.")), None)
