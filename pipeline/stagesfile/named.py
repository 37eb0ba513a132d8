"""Names in a stages file: what they stand for, with the line of the key where one stands for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pipeline.plugins.described import Facts, PlugIns
from pipeline.plugins.places import place_of
from pipeline.registry import MODELS, BadName, PlugIn, Registration, find, import_object, known_names
from pipeline.stagesfile.document import Document
from pipeline.stagesfile.schema import convert, did_you_mean, json_values


def look_up(
    document: Document, key: str, table: str, name: Any, *, what: str, hint: str = "", known: Iterable[str] = ()
) -> Registration:
    """Return what a name stands for; ConfigError at `key` where it is no name of a `what`, with further known ones."""
    try:
        if not isinstance(name, str):
            raise BadName
        return find(table, name)
    except BadName as error:
        if error.problem:
            raise document.error(key, error.problem, error.remedy) from None
        names = did_you_mean(str(name), [*known, *known_names(table)])
        raise document.error(key, f"no {what} {name!r}", f"{hint}{names}") from None


def name_of(registration: Registration, name: str) -> str:
    """Return a name as keys have it: a plug-in's file may be written in several ways."""
    return registration.name if isinstance(registration, PlugIn) else name


def plain_params(
    document: Document, key: str, section: Mapping[str, Any], registration: Registration, plugins: PlugIns
) -> dict[str, Any]:
    """Return a thing's parameters after defaults as plain values; a plug-in that said them before is not imported."""

    def check(struct: Any, **page: str) -> dict[str, Any]:
        values: dict[str, Any] = json_values(convert(document, key, section, struct, **page))
        return values

    if not isinstance(registration, PlugIn):
        return check(import_object(registration.params))
    with placed(document, key):
        return plugins.plain_params(registration, section, lambda struct: check(struct, page=place_of(struct)))


@contextmanager
def placed(document: Document, key: str) -> Iterator[None]:
    """Tell of a name that stands for nothing where it is written."""
    try:
        yield
    except BadName as error:
        raise document.error(key, error.problem, error.remedy) from None


def facts_of(plugins: PlugIns, table: str, name: str) -> Facts:
    """Return what is known of a model or loss that a recipe names: what it takes, and whether several train as one."""
    registration = find(table, name)
    if isinstance(registration, PlugIn):
        return plugins.facts(registration)
    if table == "models":
        entry = MODELS[name]
        return Facts(entry.takes, entry.single, entry.stacks, entry.solved)
    return Facts(stacks=True)
