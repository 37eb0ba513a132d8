"""What may stand where a stages file names a source, model, loss or another thing, with that thing's parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.registry import TABLES, known_names
from pipeline.schema.structs import Components, Schema, struct_of, with_keys

_CLASS = {"type": "string", "pattern": r"^[^:]+:[^:\s]+$", "description": "`file.py:Class` or `package.module:Class`"}


def names(table: str, ours: Iterable[str] = ()) -> Schema:
    """Return what names a thing of a table: ours, an installed package's, or a class of one's own."""
    known = [*ours, *known_names(table)]
    return {"anyOf": [*([{"enum": known}] if known else []), _CLASS]}


def named_mapping(components: Components, table: str, further: Mapping[str, Schema] | None = None) -> Schema:
    """Return a mapping with a ``name``, and the parameters of what that names, and `further` keys that all take."""
    name = names(table)
    keys = {"name": {}, **(further or {})}
    for struct in {struct_of(each.params): None for each in TABLES[table].values()}:
        schema = components.schema(struct)
        schema.update(with_keys(schema, keys, ["name"]))
    return {
        "type": "object",
        "properties": {**keys, "name": name},
        "required": ["name"],
        "allOf": [
            {
                "if": {"properties": {"name": {"const": known}}, "required": ["name"]},
                "then": components.ref(struct_of(registration.params)),
            }
            for known, registration in TABLES[table].items()
        ],
    }


def named(components: Components, table: str) -> Schema:
    """Return a name alone, or a mapping of it and parameters."""
    return {"anyOf": [names(table), named_mapping(components, table)]}
