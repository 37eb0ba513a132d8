"""A stages file's text: YAML with comments, that reads as the values it was made of."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError

_WIDTH = 116
_PLAIN = re.compile(r"(?:\.{0,2}/)*\.?[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", ".nan", ".inf"}
_BLOCKS = 2  # levels below `source` and `stages` that are always written out


def yaml_text(document: Mapping[str, Any], comments: Mapping[str, str], head: str) -> str:
    """Write a stages file.

    Parameters
    ----------
    comments
        By dotted key: at the end of its line where that is short, else above it.
    head
        What is said first.
    """
    lines = [f"# {line}".rstrip() for line in head.splitlines()]
    for key, value in document.items():
        if isinstance(value, Mapping) and len(lines) > 1:
            lines.append("")
        lines += _entry(key, value, key, comments, 0)
    return "\n".join(lines) + "\n"


def flow(value: Any) -> str:
    """Write a value in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _scalar(value)


def write_new(path: Path, text: str, *, replace: bool) -> None:
    """Write a file; ConfigError where it cannot be, or is there and not to be replaced."""
    try:
        with path.open("w" if replace else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise exists(path) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}\n  name another place with `-f FILE`") from None


def exists(path: Path) -> ConfigError:
    """Say that a stages file is not overwritten."""
    return ConfigError(f"{path}: is there, and is not overwritten\n  name another with `-f FILE`, or remove it")


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _entry(key: str, value: Any, dotted: str, comments: Mapping[str, str], depth: int) -> list[str]:
    indent, comment = "  " * depth, comments.get(dotted, "")
    below = any(each.startswith(f"{dotted}.") for each in comments)
    line = f"{indent}{_scalar(key)}: {flow(value)}"
    wanted = depth < _BLOCKS and dotted.split(".")[0] in ("source", "stages") and isinstance(value, Mapping) and value
    if isinstance(value, Mapping) and value and (below or (wanted and len(line) > 60) or len(line) > _WIDTH):
        lines = [*_above(comment, indent), f"{indent}{_scalar(key)}:"]
        for name, each in value.items():
            lines += _entry(str(name), each, f"{dotted}.{name}", comments, depth + 1)
        return lines
    if isinstance(value, (list, tuple)) and len(line) > _WIDTH:
        return [*_above(comment, indent), f"{indent}{_scalar(key)}:", *_wrapped(value, indent)]
    if comment and "\n" not in comment and len(line) + len(comment) + 4 <= _WIDTH:
        return [f"{line}  # {comment}"]
    return [*_above(comment, indent), line]


def _wrapped(values: Sequence[Any], indent: str) -> list[str]:
    """Write a list in lines that end between its values."""
    lines, line = [], f"{indent}  ["
    for number, value in enumerate(values):
        text = flow(value) + ("]" if number == len(values) - 1 else ",")
        if len(line) + len(text) >= _WIDTH and line.strip() != "[":
            lines.append(line.rstrip())
            line = f"{indent}   "
        line += f"{text} "
    return [*lines, line.rstrip()]


def _above(comment: str, indent: str) -> list[str]:
    width = _WIDTH - len(indent) - 2
    joined = (re.sub(r"(?<=\d) (?=(s|Hz)\b)", "\0", part) for part in comment.splitlines())  # 0.6 s on one line
    lines = (
        line for part in joined for line in textwrap.wrap(part, width, break_long_words=False, break_on_hyphens=False)
    )
    return [f"{indent}# {line}".replace("\0", " ") for line in lines]
