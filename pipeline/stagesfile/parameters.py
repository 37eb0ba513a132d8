"""What an entry of the stages file says of a stage's parameters: checked, and with defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pipeline.registry import ENCODE_PLUGINS, ENCODERS, STAGES, Registration, import_object, is_plugin_name, known_names
from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.experiment import Point
from pipeline.stagesfile.named import look_up, name_of, plain_params
from pipeline.stagesfile.schema import convert, did_you_mean, json_values


def encode_params(point: Point, entry: Entry, name: str) -> Any:
    """Return one modality's encode parameters, after defaults, as a struct."""
    for section in entry.body:
        if section not in point.source.modalities:
            problem = f"source {point.source.name} has no modality {section}"
            remedy = did_you_mean(section, point.source.modalities)
            raise point.document.error(f"{entry.dotted_key}.{section}", problem, remedy)
    kind = point.source.modalities[name].kind
    body = entry.body.get(name) or {}
    if kind == "skeleton" and hasattr(point.source, "skeleton_joints") and isinstance(body, dict):
        body = {**point.source.skeleton_joints(name), **body}
    if isinstance(body, dict):
        body = _with_plugin(point, f"{entry.dotted_key}.{name}", body, kind)
    params = convert(point.document, f"{entry.dotted_key}.{name}", body, import_object(ENCODERS[kind].params))
    if kind == "skeleton" and not params.bones:
        return msgspec.structs.replace(params, parents=None)  # nothing depends on them
    return params


def _with_plugin(point: Point, dotted_key: str, body: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return an encode section; the parameters of a plug-in's backbone or reduction are checked, and filled in."""
    parameter, table, ours = ENCODE_PLUGINS[kind]
    value, where = body.get(parameter), f"{dotted_key}.{parameter}"
    section = dict(value) if isinstance(value, dict) else {"name": value}
    name = section.pop("name", None)
    if isinstance(value, dict) and name is None:
        raise point.document.error(where, f"names no {parameter}", f"add its name; {_known(table, ours)}")
    if not isinstance(name, str) or (not section and (name in ours or not (ours or is_plugin_name(table, name)))):
        return {**body, parameter: name} if parameter in body else body
    registration = look_up(point.document, where, table, name, what=parameter, known=ours)
    if parameter == "backbone" and "weights" not in body:
        remedy = "add weights: FILE (.safetensors or .pth), or weights: none for what its class makes"
        raise point.document.error(dotted_key, f"{name} is a backbone of your own, and no weights are named", remedy)
    params = plain_params(point.document, where, section, registration, point.plugins)
    return {**body, parameter: {**params, "name": name_of(registration, name)}}


def _known(table: str, ours: Sequence[str]) -> str:
    names = [*ours, *known_names(table)]
    return f"known: {', '.join(names)}" if names else "for example net.py:Net"


def in_source_order(point: Point, modalities: Sequence[str]) -> list[str]:
    """Return modalities in the order that their source has them in, so that no other order makes another key."""
    return [name for name in point.source.modalities if name in modalities]


def chosen_modalities(point: Point, entry: Entry, chosen: Sequence[str] | None) -> list[str]:
    """Return an entry's modalities, or else all of the experiment's; ConfigError for one that is not among those."""
    available = point.experiment.modalities
    for name in chosen or ():
        if name not in available:
            remedy = did_you_mean(name, available)
            raise point.document.error(f"{entry.dotted_key}.modalities", f"{name} is not among `modalities`", remedy)
    return in_source_order(point, available if chosen is None else chosen)


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
    return in_source_order(point, wanted)


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
    body = _with_common_fit(point, entry)
    named: list[Registration] = []
    sections: dict[str, Any] = {}
    for parameter, table in stage.tables:
        value = body.pop(parameter, None)
        sections[parameter], registration = _named(point, f"{entry.dotted_key}.{parameter}", value, table)
        named.append(registration)
    params = convert(point.document, entry.dotted_key, body, import_object(stage.params))
    if getattr(params, "modalities", None) == ():
        remedy = "name at least one, or leave the key out for all"
        raise point.document.error(f"{entry.dotted_key}.modalities", "names none", remedy)
    return {**json_values(params), **sections}, named


def _with_common_fit(point: Point, entry: Entry) -> dict[str, Any]:
    """Return an entry's body; one that trains has what `fit` at the top says and its own `fit` does not."""
    body = dict(entry.body)
    own = body.get("fit", {})
    if point.experiment.fit and entry.stage in ("train", "distil") and isinstance(own, dict):
        body["fit"] = {**point.experiment.fit, **own}
    return body


def transform_params(point: Point, entry: Entry) -> dict[str, Any]:
    """Return the parameters of a plug-in's stage after defaults as plain values, with its name."""
    assert entry.plugin is not None
    section = {key: value for key, value in entry.body.items() if key != "modalities"}
    values = plain_params(point.document, entry.dotted_key, section, entry.plugin, point.plugins)
    return {**values, "stage": entry.plugin.name}


def transform_modalities(point: Point, entry: Entry, given: Sequence[str]) -> list[str]:
    """Return the modalities of a plug-in's stage: those that it names, of `given` ones with series, or all of these."""
    chosen = entry.body.get("modalities")
    if chosen is None:
        return [*given]
    wanted = convert(point.document, f"{entry.dotted_key}.modalities", chosen, list[str])
    for name in wanted:
        if name not in given:
            problem = f"{name} is not among the series that it could have"
            raise point.document.error(f"{entry.dotted_key}.modalities", problem, did_you_mean(name, given))
    return [name for name in given if name in wanted]


def _named(point: Point, dotted_key: str, value: Any, table: str) -> tuple[dict[str, Any], Registration]:
    """Return a model's or loss's name with its parameters, and its registration; a bare name has all defaults."""
    body = {"name": value} if isinstance(value, str) else dict(value) if isinstance(value, dict) else {}
    name = body.pop("name", None)
    what = dotted_key.rpartition(".")[2]
    if name is None:
        raise point.document.error(dotted_key, f"names no {what}", f"known: {', '.join(known_names(table))}")
    registration = look_up(point.document, dotted_key, table, name, what=what)
    params = plain_params(point.document, dotted_key, body, registration, point.plugins)
    return {"name": name_of(registration, name), **params}, registration
