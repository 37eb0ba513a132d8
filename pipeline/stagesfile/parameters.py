"""What an entry of the stages file says of a stage's parameters: checked, and with defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from pipeline.registry import (
    ENCODE_PLUGINS,
    ENCODERS,
    MOTION_MAPS,
    STAGES,
    Registration,
    encoding_of,
    import_object,
    is_plugin_name,
    known_names,
)
from pipeline.sources.base import Modality
from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.experiment import Point
from pipeline.stagesfile.named import facts_of, look_up, name_of, plain_params
from pipeline.stagesfile.schema import convert, did_you_mean, json_values
from pipeline.stagesfile.solved import solved_augment, solved_fit

VIRTUAL = "/virtual"  # behind a modality's name: what a virtual sensor in its place measures


class Encoding(NamedTuple):
    """What an encode entry makes of one modality."""

    name: str  # the modality's, or with `VIRTUAL` behind it
    modality: Modality
    params: dict[str, Any]  # after defaults, as plain values


def encodings(point: Point, entry: Entry) -> list[Encoding]:
    """Return what an encode entry makes: each modality's features, and virtual sensors' where asked for."""
    modalities = in_source_order(point, point.experiment.modalities)
    return [encoding for name in modalities for encoding in _encodings(point, entry, name)]


def _encodings(point: Point, entry: Entry, name: str) -> list[Encoding]:
    params, modality = _all_encode_params(point, entry, name), point.source.modalities[name]
    virtual = getattr(params, "virtual", None)
    if virtual is None:
        return [Encoding(name, modality, json_values(params))]
    key = f"{entry.dotted_key}.{name}.virtual"
    moving = point.source.modalities.get(virtual.skeleton)
    chosen = [each for each in point.experiment.modalities if point.source.modalities[each].kind == "skeleton"]
    if moving is None or virtual.skeleton not in chosen:
        problem = f"{virtual.skeleton} is no skeleton among `modalities`"
        raise point.document.error(f"{key}.skeleton", problem, did_you_mean(virtual.skeleton, chosen))
    if moving.units != ("m",):
        problem = f"{virtual.skeleton} is not known to be in metres with y upwards"
        raise point.document.error(f"{key}.skeleton", problem, "say units: m (or mm, cm) and joints of its stream")
    if unknown := next((each for each in virtual.classes if each not in point.source.classes), None):
        problem, remedy = f"{unknown} is no class", did_you_mean(unknown, point.source.classes)
        raise point.document.error(f"{key}.classes", problem, remedy)
    own = msgspec.structs.replace(params, virtual=msgspec.structs.replace(virtual, rate=virtual.rate or moving.rate))
    sensor = Modality("series", moving.streams, modality.rate, units=modality.units)
    real = json_values(msgspec.structs.replace(params, virtual=None))
    return [Encoding(name, modality, real), Encoding(name + VIRTUAL, sensor, json_values(own))]


def encode_params(point: Point, entry: Entry, name: str) -> Any:
    """Return one modality's encode parameters, after defaults, as a struct; what is virtual is left out."""
    params = _all_encode_params(point, entry, name)
    return params if getattr(params, "virtual", None) is None else msgspec.structs.replace(params, virtual=None)


def _all_encode_params(point: Point, entry: Entry, name: str) -> Any:
    for section in entry.body:
        if section not in point.source.modalities:
            problem = f"source {point.source.name} has no modality {section}"
            remedy = did_you_mean(section, point.source.modalities)
            raise point.document.error(f"{entry.dotted_key}.{section}", problem, remedy)
    kind = point.source.modalities[name].kind
    body = entry.body.get(name) or {}
    if kind == "skeleton" and hasattr(point.source, "skeleton_joints") and isinstance(body, dict):
        body = {**point.source.skeleton_joints(name), **body}
    dotted_key = f"{entry.dotted_key}.{name}"
    encoding = encoding_of(kind, body if isinstance(body, dict) else {})
    if isinstance(body, dict):
        if kind == "video":
            _check_reduce(point, dotted_key, body)
        body = body if encoding == MOTION_MAPS else _with_plugin(point, dotted_key, body, kind)
    params = convert(point.document, dotted_key, body, import_object(ENCODERS[encoding].params))
    if kind == "series" and (misfit := params.misfit(point.source.modalities[name].units)) is not None:
        key, problem, remedy = misfit
        raise point.document.error(f"{dotted_key}.{key}", problem, remedy)
    if kind == "skeleton" and not params.bones:
        return msgspec.structs.replace(params, parents=None)  # nothing depends on them
    return params


def _check_reduce(point: Point, dotted_key: str, body: Mapping[str, Any]) -> None:
    """Refuse what a video's section says of both a network and motion maps, and any other reduction."""
    if "reduce" not in body:
        return
    if body["reduce"] != MOTION_MAPS:
        remedy = "leave it out for the features of a network"
        problem = f"of a video there is {MOTION_MAPS} alone, not {body['reduce']!r}"
        raise point.document.error(f"{dotted_key}.reduce", problem, remedy)
    known = {each: _fields(ENCODERS[each]) for each in ("video", MOTION_MAPS)}
    for key in body:
        if key in known["video"] and key not in known[MOTION_MAPS]:
            problem, remedy = "is of a network, and motion maps go through none", f"remove it, or reduce: {MOTION_MAPS}"
            raise point.document.error(f"{dotted_key}.{key}", problem, remedy)


def _fields(registration: Registration) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(import_object(registration.params))}


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
    body = dict(entry.body)
    named: list[Registration] = []
    sections: dict[str, Any] = {}
    for parameter, table in stage.tables:
        value = body.pop(parameter, None)
        sections[parameter], registration = _named(point, f"{entry.dotted_key}.{parameter}", value, table)
        named.append(registration)
    model = sections.get("model", {})
    solved = bool(model) and facts_of(point.plugins, "models", model["name"]).solved
    if "model" in sections:
        body["fit"] = solved_fit(point, entry, model["name"]) if solved else _with_common_fit(point, entry)
    params = convert(point.document, entry.dotted_key, body, import_object(stage.params))
    if getattr(params, "modalities", None) == ():
        remedy = "name at least one, or leave the key out for all"
        raise point.document.error(f"{entry.dotted_key}.modalities", "names none", remedy)
    values: dict[str, Any] = {**json_values(params), **sections}
    if solved:
        values["augment"] = solved_augment(point, entry, model, values["augment"])
    return values, named


def _with_common_fit(point: Point, entry: Entry) -> Any:
    """Return the `fit` of an entry that trains: what the top says and its own does not, and its own."""
    own = entry.body.get("fit", {})
    return {**point.experiment.fit, **own} if isinstance(own, dict) else own


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
