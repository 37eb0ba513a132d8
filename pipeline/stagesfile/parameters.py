"""What an entry of the stages file says of a stage's parameters: checked, and with defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pipeline.registry import ENCODERS, STAGES, TABLES, Registration, import_object
from pipeline.stagesfile.document import Document
from pipeline.stagesfile.experiment import Entry, Point
from pipeline.stagesfile.schema import convert, did_you_mean, json_values


def encode_params(point: Point, entry: Entry, name: str) -> Any:
    """Return one modality's encode parameters, after defaults, as a struct."""
    for section in entry.body:
        if section not in point.source.modalities:
            problem = f"source {point.source.name} has no modality {section}"
            remedy = did_you_mean(section, point.source.modalities)
            raise point.document.error(f"{entry.dotted_key}.{section}", problem, remedy)
    params = import_object(ENCODERS[point.source.modalities[name].kind].params)
    return convert(point.document, f"{entry.dotted_key}.{name}", entry.body.get(name) or {}, params)


def gaf_modalities(point: Point, entry: Entry) -> list[str]:
    """Return the modalities that a gaf entry renders: those that it names, or all that are series."""
    series = [name for name in point.experiment.modalities if point.source.modalities[name].kind == "series"]
    chosen = entry.body.get("modalities")
    wanted = series if chosen is None else convert(point.document, f"{entry.dotted_key}.modalities", chosen, list[str])
    for name in wanted:
        if name not in series:
            problem = f"{name} is not a series among `modalities`"
            raise point.document.error(f"{entry.dotted_key}.modalities", problem, did_you_mean(name, series))
    if not wanted:
        remedy = "add an inertial modality to `modalities`, or remove this entry"
        raise point.document.error(entry.dotted_key, "there is no series to render", remedy)
    # in the source's order, so that the same list in another order makes no other key
    return [name for name in point.source.modalities if name in wanted]


def gaf_params(point: Point, entry: Entry, name: str) -> Any:
    """Return one modality's gaf parameters, after defaults, as a struct: the entry's, then its own section's."""
    kind = import_object(STAGES["gaf"].params)
    sections = {key: value for key, value in entry.body.items() if key in point.source.modalities}
    common = {key: value for key, value in entry.body.items() if key not in sections and key != "modalities"}
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    for key in common:
        if key not in known:
            remedy = did_you_mean(key, [*known, "modalities", *point.source.modalities])
            raise point.document.error(f"{entry.dotted_key}.{key}", "no such key, and no such modality", remedy)
    own = sections.get(name) or {}
    # an error is placed at the modality's section where there is one: the entry's values were fit for the others
    return convert(point.document, f"{entry.dotted_key}.{name}" if own else entry.dotted_key, {**common, **own}, kind)


def stage_params(point: Point, entry: Entry) -> tuple[dict[str, Any], list[Registration]]:
    """Return an entry's parameters after defaults as plain values, and what its named parameters stand for."""
    stage = STAGES[entry.stage]
    body = dict(entry.body)
    named: list[Registration] = []
    sections: dict[str, Any] = {}
    for parameter, table in stage.tables:
        value = body.pop(parameter, None)
        sections[parameter], registration = _look_up(
            point.document, f"{entry.dotted_key}.{parameter}", value, TABLES[table]
        )
        named.append(registration)
    params = convert(point.document, entry.dotted_key, body, import_object(stage.params))
    if getattr(params, "modalities", None) == ():
        remedy = "name at least one, or leave the key out for all"
        raise point.document.error(f"{entry.dotted_key}.modalities", "names none", remedy)
    return {**json_values(params), **sections}, named


def _look_up(
    document: Document, dotted_key: str, value: Any, table: Mapping[str, Registration]
) -> tuple[dict[str, Any], Registration]:
    """Return a model's or loss's name with its parameters, and its registration; a bare name has all defaults."""
    body = {"name": value} if isinstance(value, str) else dict(value) if isinstance(value, dict) else {}
    name = body.pop("name", None)
    what = dotted_key.rpartition(".")[2]
    if name is None:
        raise document.error(dotted_key, f"names no {what}", f"known: {', '.join(table)}")
    if not isinstance(name, str) or name not in table:
        raise document.error(dotted_key, f"no {what} {name!r}", did_you_mean(str(name), table))
    params = convert(document, dotted_key, body, import_object(table[name].params))
    return {"name": name, **json_values(params)}, table[name]
