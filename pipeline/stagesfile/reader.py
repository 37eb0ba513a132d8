"""Read YAML into plain values while remembering the line of every key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import yaml

from pipeline.errors import ConfigError
from pipeline.stagesfile.document import Document
from store import redact_secrets

_MAX_DEPTH = 50
_MAX_NODES = 50_000

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)$")
_FLOAT = re.compile(
    r"([-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$"
)
_NUMBERS = {"tag:yaml.org,2002:int": _INT, "tag:yaml.org,2002:float": _FLOAT}


# Tags of values that a stages file has no use for, with what to write instead.
_REFUSED = {
    "tag:yaml.org,2002:set": "write a list, such as [a, b]",
    "tag:yaml.org,2002:omap": "write a mapping, such as {a: 1, b: 2}",
    "tag:yaml.org,2002:pairs": "write a mapping, such as {a: 1, b: 2}",
    "tag:yaml.org,2002:binary": "write text",
}


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C one is not always built
    """Safe YAML with the numbers of YAML 1.2: ``1e-3`` is one.

    In YAML 1.1 that is text, and ``010`` is 8, ``1:30`` is 90, ``0x10`` is 16 and ``1_000`` is 1000: these are text
    here, so that whoever meant another number, or a name, is told.
    """

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {
        first: [each for each in resolvers if each[0] not in _NUMBERS]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """As the loader's, with the line of a value that is not of its kind, such as the date 2024-13-45."""
        if remedy := _REFUSED.get(node.tag):
            raise _error(node.start_mark, f"{_tag_name(node)} is no plain value", remedy)
        try:
            if node.tag in _NUMBERS and isinstance(node, yaml.ScalarNode):
                _check_number(node.tag, node.value)
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError, TypeError):  # it says little: month must be in 1..12
            value = redact_secrets(node.value) if isinstance(node.value, str) else "..."
            problem = f"{value if len(value) < 30 else f'{value[:27]}...'} is no {node.tag.rpartition(':')[2]}"
            raise _error(node.start_mark, problem, "put quotes around what is meant as text") from None


def _check_number(tag: str, text: str) -> None:
    """Raise ValueError where a tag that somebody wrote is not what its text is: ``!!int 010``."""
    if not (_NUMBERS[tag].match(text) or _INT.match(text)):
        raise ValueError(text)


for _tag, _number in _NUMBERS.items():
    Loader.add_implicit_resolver(_tag, _number, list("-+.0123456789"))


def read(path: Path, text: str) -> Document:
    """Read a stages file's text; ConfigError names the line where it is not YAML, has a key twice, or is a bomb."""
    document = Document(path, {})
    try:
        node = _compose(text)
        if node is not None:
            _record_lines(node, "", document)
            document.values = _construct(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        remedy = getattr(error, "note", None) or "fix the line; a value with a colon or a bracket wants quotes"
        problem = redact_secrets(str(getattr(error, "problem", None) or error))
        raise ConfigError(f"{path}{line}: not valid YAML: {problem}\n  {remedy}") from None
    return document


def read_value(text: str) -> Any:
    """Read one value; ValueError where it is not YAML."""
    try:
        node = _compose(text)
        return None if node is None else _construct(node)
    except yaml.YAMLError as error:
        raise ValueError(getattr(error, "problem", None) or str(error)) from None


def _compose(text: str) -> yaml.Node | None:
    """Parse text into nodes that are safe to walk: neither too deep nor, with aliases written out, too many."""
    depth = 0
    for event in yaml.parse(text, Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise _error(event.start_mark, f"nested deeper than {_MAX_DEPTH}", "a stages file needs some ten levels")
    loader = Loader(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
    finally:
        loader.dispose()
    if node is not None:
        _count_nodes(node, {})
    return node


def _construct(node: yaml.Node) -> Any:
    loader = Loader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _count_nodes(node: yaml.Node, counts: dict[int, int | None]) -> int:
    """Count a node and those below it as if every alias were written out; a text counts once more every 100 characters.

    `counts` has each node's count by its identity, None while it is being counted: aliases lead to the same nodes.
    """
    if id(node) in counts:
        known = counts[id(node)]
        if known is None:
            raise _error(node.start_mark, "an alias (*) refers to what it stands in", "write the value out")
        return known
    counts[id(node)] = None
    if isinstance(node, yaml.MappingNode):
        count = 1 + sum(_count_nodes(key, counts) + _count_nodes(value, counts) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        count = 1 + sum(_count_nodes(item, counts) for item in node.value)
    else:
        count = 1 + len(node.value) // 100
    if count > _MAX_NODES:
        problem = f"has more than {_MAX_NODES} values, with its aliases (*) written out"
        raise _error(node.start_mark, problem, "use fewer aliases, or write less")
    counts[id(node)] = count
    return count


def _error(mark: Any, problem: str, note: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark, note=note)


def _tag_name(node: yaml.Node) -> str:
    return f"!!{node.tag.rpartition(':')[2]}"


def _record_lines(node: yaml.Node, prefix: str, document: Document) -> None:
    if remedy := _REFUSED.get(node.tag):
        raise document.error(prefix, f"{_tag_name(node)} is no plain value", remedy)
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key = f"{prefix}.{key_node.value}" if prefix else str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in document.lines:
                before = document.lines[key]
                document.lines[key] = line
                raise document.error(key, f"stands twice (before on line {before})", "keep one")
            document.lines[key] = line
            _record_lines(value_node, key, document)
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            key = f"{prefix}[{i}]"
            document.lines[key] = item.start_mark.line + 1
            _record_lines(item, key, document)
