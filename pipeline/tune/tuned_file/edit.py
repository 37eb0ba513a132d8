"""A stages file's text with other values in it: comments, order and anchors stay where they can."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ConfigError
from pipeline.init.write import flow
from pipeline.stagesfile.reader import Loader, read

_MOST_EDITS = 500
_ALIAS = re.compile(r"\s*:\s*(\*[^\s,\]}]+)")

Place = tuple[str, ...]


def with_values(text: str, values: Mapping[str, Any]) -> str:
    """Return a text that says `values`: an edited one, or where that cannot be, all of it written anew.

    What reads otherwise is edited, one value at a time, until nothing does: what was set in a mapping that others merge
    or repeat is written out in these.
    """
    edited = text
    for _ in range(_MOST_EDITS):
        try:
            said = read(Path("stages.yaml"), edited).values
        except ConfigError:  # an edit that went wrong
            break
        place = _first_difference(said, values)
        if place is None:
            return edited
        if _in(values, place) is _Nothing:  # merged from what was edited: written out without it
            place = place[:-1]
        changed = _set(edited, place, values) if place else None
        if changed is None or changed == edited:
            break
        edited = changed
    return "".join(f"{flow(key)}: {flow(value)}\n" for key, value in values.items())


class _Nothing:
    """Stands for what is not there."""


def _first_difference(said: Any, wanted: Any, place: Place = ()) -> Place | None:
    if not (isinstance(said, dict) and isinstance(wanted, dict) and said and wanted):
        same = said == wanted and type(said) is type(wanted)
        return None if same else place
    for key in {**wanted, **said}:
        here = (*place, key)
        if key not in said or key not in wanted:
            return here
        if (found := _first_difference(said[key], wanted[key], here)) is not None:
            return found
    return None


def _in(values: Any, place: Place) -> Any:
    for part in place:
        if not isinstance(values, dict) or part not in values:
            return _Nothing
        values = values[part]
    return values


def _set(text: str, place: Place, values: Mapping[str, Any]) -> str | None:
    """Write the value of a place into the text; None where that is not simple."""
    loader = Loader(text)
    try:
        node = loader.get_single_node()
    finally:
        loader.dispose()
    for depth, part in enumerate(place, 1):
        if not isinstance(node, yaml.MappingNode):
            return None
        own = next(((key, value) for key, value in node.value if key.value == part), None)
        wanted = _in(values, place[:depth])
        if own is None:
            return _insert(text, node, part, wanted, depth == 1)
        key, value = own
        if alias := _ALIAS.match(text, key.end_mark.index):
            return _replace(text, alias.start(1), alias.end(1), flow(wanted))
        if depth == len(place):
            return _overwrite(text, key, value, wanted)
        node = value
    return None


def _overwrite(text: str, key: yaml.Node, node: yaml.Node, wanted: Any) -> str | None:
    start, end = node.start_mark.index, _end(text, node)
    if _is_block(node):
        before = text[key.end_mark.index : start]
        return None if "&" in before else _replace(text, key.end_mark.index, end, f": {flow(wanted)}")
    return _replace(text, start, end, flow(wanted) if end > start else f" {flow(wanted)}")


def _is_block(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def _end(text: str, node: yaml.Node) -> int:
    """Return where a node's text ends; a block's own mark is behind the comments that follow it."""
    if not _is_block(node) or not node.value:
        return int(node.end_mark.index)
    if isinstance(node, yaml.SequenceNode):
        return _end(text, node.value[-1])
    key, value = node.value[-1]
    alias = _ALIAS.match(text, key.end_mark.index)
    return alias.end(1) if alias else _end(text, value)


def _insert(text: str, node: yaml.MappingNode, part: str, wanted: Any, at_top: bool) -> str | None:
    line = f"{flow(part)}: {flow(wanted)}"
    if node.flow_style:
        end = node.end_mark.index - 1
        return _replace(text, end, end, f", {line}" if node.value else line)
    if at_top:
        return f"{text.rstrip()}\n\n{_block(part, wanted)}"
    first = node.value[0][0]
    ends = [
        value.end_mark.index
        for key, value in node.value
        if value.start_mark.index > key.end_mark.index and not _is_block(value)
    ]
    begin = text.rfind("\n", 0, first.start_mark.index) + 1
    if text[begin : first.start_mark.index].strip():
        return None
    place = text.find("\n", max(ends)) + 1 if ends else begin
    indented = f"{' ' * first.start_mark.column}{line}\n"
    return f"{text}\n{indented}" if ends and not place else _replace(text, place, place, indented)


def _block(part: str, wanted: Any) -> str:
    """Write a key at the top, a line for each of what is in it."""
    if not isinstance(wanted, dict) or not wanted:
        return f"{flow(part)}: {flow(wanted)}\n"
    return f"{flow(part)}:\n" + "".join(f"  {flow(key)}: {flow(value)}\n" for key, value in wanted.items())


def _replace(text: str, start: int, end: int, by: str) -> str:
    return text[:start] + by + text[end:]
