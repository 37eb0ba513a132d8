"""Read YAML into plain values while remembering the line of every key."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ConfigError


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C one is not always built
    """Safe YAML in which ``1e-3`` is a number, as YAML 1.2 has it; YAML 1.1 takes it for text."""


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


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
        return ConfigError(f"{self.where(key)}: {problem}\n  {remedy}")

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

    def _origin(self, key: str) -> str | None:
        """Return the override that set a key or, where the file lacks it, a key below it."""
        if key in self.origins:
            return key
        below = (each for each in self.origins if each.startswith(f"{key}."))
        return next(below, None) if key not in self.lines else None


def read_document(path: Path) -> Document:
    """Read a stages file; ConfigError names the line where it is not YAML, or has a key twice."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such stages file\n  give one with `-f FILE`, or run where stages.yaml is"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}\n  check the file") from None
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        document = Document(path, {})
        if node is not None:
            _note_lines(node, "", document)
            document.values = loader.construct_document(node)
    except RecursionError:
        raise ConfigError(f"{path}: an alias (*) refers to what it stands in\n  write the value out") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(
            f"{path}{line}: not valid YAML: {getattr(error, 'problem', None) or error}\n"
            "  mend the line; a value with a colon or a bracket wants quotes"
        ) from None
    finally:
        loader.dispose()
    if not isinstance(document.values, dict):
        raise ConfigError(f"{path}: must be a mapping of keys to values\n  see stages.yaml for an example")
    return document


def _note_lines(node: yaml.Node, prefix: str, document: Document) -> None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key = f"{prefix}.{key_node.value}" if prefix else str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in document.lines:
                before = document.lines[key]
                document.lines[key] = line
                raise document.error(key, f"stands twice (before on line {before})", "keep one")
            document.lines[key] = line
            _note_lines(value_node, key, document)
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            key = f"{prefix}[{i}]"
            document.lines[key] = item.start_mark.line + 1
            _note_lines(item, key, document)
