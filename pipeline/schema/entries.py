"""Entries of the stages file: what each stage takes."""

from __future__ import annotations

from pipeline.registry import ENCODE_PLUGINS, ENCODERS, MOTION_MAPS, STAGES, TRANSFORM, known_names
from pipeline.schema.names import named, names
from pipeline.schema.structs import Components, Schema, struct_of, with_keys

_OURS = [stage for stage in STAGES if stage not in ("index", TRANSFORM)]
_NAMES = {"type": "array", "items": {"type": "string"}}
_CHOICE = {"anyOf": [_NAMES, {"type": "null"}]}  # of modalities


def add_parameters(components: Components) -> None:
    """Let parameters of encodings name what plug-ins bring, as the stages file does."""
    for kind, (parameter, table, ours) in ENCODE_PLUGINS.items():
        shown = components.schema(struct_of(ENCODERS[kind].params))["properties"][parameter]
        alone = names(table, ours) if ours else {"type": "string"}
        mapping = {"type": "object", "properties": {"name": alone}, "required": ["name"]}
        shown["anyOf"] = [alone, mapping]


def entries(components: Components) -> Schema:
    """Return the mapping of entries: one that has the name of a stage is of that stage where it says no other."""
    stage = names("stages", _OURS)
    tables = {table for each in STAGES.values() for _, table in each.tables}
    chosen = {table: components.define(table, named(components, table)) for table in sorted(tables)}
    taken = {each: components.define(f"{each}-entry", _taken(components, each, chosen)) for each in _OURS}
    plugin = {"type": "object", "properties": {"stage": stage, "needs": _NAMES, "modalities": _CHOICE}}

    def entry(default: str) -> Schema:
        branches = [
            {
                "if": {
                    "type": "object",
                    "properties": {"stage": {"const": each}},
                    "required": [] if each == default else ["stage"],
                },
                "then": shown,
            }
            for each, shown in taken.items()
        ]
        may_be_null = default in taken and not components.defs[f"{default}-entry"]["required"]
        return {
            **plugin,
            "type": ["object", "null"] if may_be_null else "object",
            "required": [] if default else ["stage"],
            "allOf": branches,
        }

    return {
        "type": "object",
        "properties": {each: entry(each) for each in [*_OURS, *known_names("stages")]},
        "additionalProperties": entry(""),
    }


def _taken(components: Components, name: str, chosen: dict[str, Schema]) -> Schema:
    """Return what an entry of a stage takes."""
    stage = STAGES[name]
    needs = {**_NAMES, "uniqueItems": True, **({"minItems": 1} if stage.reads else {"maxItems": 0})}
    keys = {"stage": {}, "needs": needs, **{parameter: chosen[table] for parameter, table in stage.tables}}
    required = [key for key in keys if key != "stage" and (key != "needs" or stage.reads)]
    if name == "encode":
        kinds = {each: components.ref(struct_of(found.params)) for each, found in ENCODERS.items()}
        maps = kinds.pop(MOTION_MAPS)
        are_maps = {"type": "object", "properties": {"reduce": {"const": MOTION_MAPS}}, "required": ["reduce"]}
        section: Schema = {"if": are_maps, "then": maps, "else": {"anyOf": [*kinds.values(), {"type": "null"}]}}
        return {"type": "object", "properties": keys, "required": required, "additionalProperties": section}
    struct = struct_of(stage.params)
    taken = with_keys(components.schema(struct), keys, required)
    if name == "gaf":
        section = {"anyOf": [components.ref(struct), {"type": "null"}]}
        return {**taken, "properties": {**taken["properties"], "modalities": _CHOICE}, "additionalProperties": section}
    return taken
