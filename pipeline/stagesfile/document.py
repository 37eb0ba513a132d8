"""A stages file as plain values, with the place of every key for messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError
from store import redact_secrets


@dataclass
class Document:
    """A stages file as plain values.

    Attributes
    ----------
    path
        The file; relative paths in it are relative to its folder.
    values
        What it says, after ``--set``.
    lines
        Dotted key to 1-based line, for messages.
    origins
        Dotted key to what set it instead of the file: ``--set`` or ``matrix``.
    """

    path: Path
    values: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def error(self, key: str, problem: str, remedy: str) -> ConfigError:
        """Make the error that names file, line, key, problem and remedy."""
        where, problem = redact_secrets(self.where(key)), redact_secrets(problem)
        of_file = f"{key}: {problem}\n  {remedy}" if where.startswith(str(self.path)) else ""
        return ConfigError(f"{where}: {problem}\n  {remedy}", of_file)

    def where(self, key: str) -> str:
        """Name the place of a key: ``stages.yaml:12: stages.teacher.fit``, or the nearest key that has a line.

        A key that ``--set`` or the matrix set is placed there: ``--set stages.teacher.fit: stages.teacher.fit.lr``.
        """
        probe = key
        while probe and probe not in self.lines and self._origin(probe) is None:
            probe = probe[: max(probe.rfind("."), probe.rfind("["), 0)]
        set_key = self._origin(probe) if probe else None
        if set_key is not None and self.origins[set_key] == "matrix":
            probe, prefix = f"matrix.{set_key}", f"matrix.{set_key}: "
        elif set_key is not None:
            return f"{self.origins[set_key]} {set_key}" + (f": {key}" if key != set_key else "")
        else:
            prefix = ""
        line = f":{self.lines[probe]}" if probe in self.lines else ""
        return f"{self.path}{line}: {prefix}{key}" if key else f"{self.path}{line}"

    def set_by(self, key: str) -> str:
        """Return what set a key, or what it stands in, instead of the file: ``--set`` or ``matrix``; else nothing."""
        probe = key
        while probe and probe not in self.origins:
            probe = probe.rpartition(".")[0]
        return self.origins.get(probe, "")

    def _origin(self, key: str) -> str | None:
        """Return the override that set a key or, where the file lacks it, a key below it."""
        if key in self.origins:
            return key
        below = (each for each in self.origins if each.startswith(f"{key}."))
        return next(below, None) if key not in self.lines else None
