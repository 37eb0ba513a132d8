"""Structs as JSON Schema: msgspec's, with the descriptions of fields and the defaults that it leaves out."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

import msgspec

from pipeline.registry import import_object

Schema = dict[str, Any]
Struct = type[msgspec.Struct]

_REF = "#/$defs/{name}"
_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)


class Components:
    """The ``$defs`` of a schema: one of each struct, and of whatever is defined beside them."""

    def __init__(self, structs: Iterable[Struct]) -> None:
        every = list(dict.fromkeys(each for struct in structs for each in _reached(struct)))
        refs, self.defs = msgspec.json.schema_components(every, ref_template=_REF)
        self._names = {struct: ref["$ref"].rpartition("/")[2] for struct, ref in zip(every, refs, strict=True)}
        for struct, name in self._names.items():
            _describe(self.defs[name], struct)

    def ref(self, struct: Struct) -> Schema:
        """Return what stands for a struct."""
        return {"$ref": _REF.format(name=self._names[struct])}

    def schema(self, struct: Struct) -> Schema:
        """Return a struct's own schema, which can be changed."""
        found: Schema = self.defs[self._names[struct]]
        return found

    def define(self, name: str, schema: Schema) -> Schema:
        """Add a definition, and return what stands for it."""
        self.defs[name] = schema
        return {"$ref": _REF.format(name=name)}


def struct_of(reference: str) -> Struct:
    """Import a struct by ``module:name``."""
    found: Struct = import_object(reference)
    return found


def with_keys(schema: Schema, keys: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """Return a struct's schema with further keys before its own; it stays closed to all others."""
    return {
        **schema,
        "properties": {**keys, **schema["properties"]},
        "required": [*required, *schema["required"]],
    }


def _reached(struct: Struct) -> Iterator[Struct]:
    yield struct
    for field in msgspec.structs.fields(struct):
        for each in _structs_in(field.type):
            yield from _reached(each)


def _structs_in(kind: Any) -> Iterator[Struct]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for each in get_args(kind):
        yield from _structs_in(each)


def _describe(schema: Schema, struct: Struct) -> None:
    """Say what a struct and its fields are, and which defaults they have."""
    said = _attributes(struct)
    del schema["title"]  # a class's name, which an editor would show
    schema["description"] = _sections(struct)[""]
    for field in msgspec.structs.fields(struct):
        shown = schema["properties"][field.encode_name]
        if isinstance(shown.get("default"), dict):  # an editor would write all of it out
            del shown["default"]
        if field.default_factory is not msgspec.NODEFAULT:
            value = field.default_factory()
            if not isinstance(value, msgspec.Struct) and value:
                shown["default"] = msgspec.to_builtins(value)
        if field.name in said:
            shown["description"] = said[field.name]


def _attributes(struct: Struct) -> dict[str, str]:
    """Return what the docstrings of a struct and of those that it extends say of fields, the nearest first."""
    said: dict[str, str] = {}
    for each in struct.__mro__:
        for entry in re.split(r"\n(?=\S)", _sections(each).get("Attributes", "")):
            names, _, text = entry.partition("\n")
            for name in names.split(", "):
                said.setdefault(name, _plain(textwrap.dedent(text)))
    return said


def _sections(struct: type) -> dict[str, str]:
    """Split a docstring by its underlined titles; what stands before the first is named by nothing."""
    text = inspect.cleandoc(struct.__dict__.get("__doc__") or "")
    head, *others = _SECTION.split(text)
    titled = zip(others[::2], others[1::2], strict=True)
    return {"": _plain(head), **{title: body.strip("\n") for title, body in titled}}


def _plain(text: str) -> str:
    """Return a paragraph in one line, with names as Markdown has them."""
    return " ".join(text.replace("``", "`").split())
