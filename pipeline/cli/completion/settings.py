"""The dotted keys that `--set` takes in an experiment, and what can be their values, as far as types tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NamedTuple, get_args, get_origin

import msgspec

from pipeline.cli.completion.experiment import Names
from pipeline.keys.cache import cache_folder
from pipeline.registry import ENCODERS, MOTION_MAPS, SOURCES, STAGES, TABLES, encoding_of, import_object, known_names
from pipeline.sources.time_limits import TimeLimits
from pipeline.stagesfile.schema import Experiment
from trainers.evaluation.protocols import PROTOCOLS
from trainers.params import FitParams

_FOLDERS = ("store", "remote", "source.root")


class Key(NamedTuple):
    """A key: those below it, and what it can be itself."""

    below: Mapping[str, Key] = {}
    values: tuple[str, ...] = ()


class Found(NamedTuple):
    """What can stand for a setting that was begun; more follows what is `open`."""

    text: str
    open: bool


def complete_setting(text: str, names: Names) -> list[Found]:
    """Return what a setting that begins so can be: keys one level further down, or values."""
    return list(_below(text, "", _experiment(names)))


def is_folder(text: str) -> bool:
    """Tell whether a setting's value, which is begun, is a folder."""
    key, equals, _ = text.partition("=")
    return bool(equals) and key in _FOLDERS


def _below(text: str, prefix: str, keys: Mapping[str, Key]) -> Iterator[Found]:
    for name, key in keys.items():
        full = prefix + name
        if text.startswith(f"{full}.") and key.below:
            yield from _below(text, f"{full}.", key.below)
        elif text.startswith(f"{full}="):
            yield from (Found(each, False) for value in key.values if (each := f"{full}={value}").startswith(text))
        elif full.startswith(text):
            if key.below:
                yield Found(f"{full}.", True)
            if key.values or not key.below:
                yield Found(f"{full}=", True)


def _experiment(names: Names) -> dict[str, Key]:
    said = names.document.values
    keys = _fields(Experiment, said)
    keys["source"] = _source(said.get("source"))
    keys["protocol"] = Key(values=tuple(PROTOCOLS))
    keys["fit"] = Key(_fields(FitParams, {}))
    kinds = _kinds(said, names.path.parent)
    keys["stages"] = Key({name: Key(_entry(names, name, kinds)) for name in names.entries if name != "index"})
    return keys


def _source(said: Any) -> Key:
    body = said if isinstance(said, Mapping) else {}
    registration = SOURCES.get(body.get("name", "sample"))
    params = _fields(import_object(registration.params), body) if registration else {}
    return Key({"name": Key(values=tuple(known_names("sources"))), **params, "times": Key(_fields(TimeLimits, {}))})


def _kinds(said: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Return the kinds of a source's modalities, of one of ours: a plug-in's would have to be imported."""
    body = dict(said.get("source") or {"name": "sample"})
    registration = SOURCES.get(body.pop("name", ""))
    if registration is None:
        return {}
    body.pop("times", None)
    try:
        params = msgspec.convert(body, import_object(registration.params))
    except msgspec.ValidationError:
        return {}
    root, build = getattr(params, "root", None), import_object(registration.build)
    source = build(params, cache_folder()) if root is None else build(folder / root, params)
    used = said.get("modalities") or source.modalities
    return {name: modality.kind for name, modality in source.modalities.items() if name in used}


def _entry(names: Names, name: str, kinds: Mapping[str, str]) -> dict[str, Key]:
    stage, body = STAGES.get(names.stage_of(name)), names.body_of(name)
    if stage is None:  # a plug-in's
        return {"needs": Key(), **{each: Key() for each in body}}
    keys = _fields(import_object(stage.params), body) if stage.params else {}
    keys |= {parameter: _named(table, body.get(parameter)) for parameter, table in stage.tables}
    match names.stage_of(name):
        case "encode":
            return {each: Key(_encoding(kind, body.get(each))) for each, kind in kinds.items()}
        case "gaf":
            series = (each for each, kind in kinds.items() if kind == "series")
            keys |= {"modalities": Key(), **{each: Key(dict(keys)) for each in series}}
    return {"needs": Key(), **keys}


def _encoding(kind: str, said: Any) -> dict[str, Key]:
    """Return the keys of a modality's section in an encode entry."""
    name = encoding_of(kind, said if isinstance(said, Mapping) else {})
    ways = {"reduce": Key(values=(MOTION_MAPS,))} if kind == "video" else {}
    return {**_fields(import_object(ENCODERS[name].params), {}), **ways}


def _named(table: str, said: Any) -> Key:
    name = said.get("name") if isinstance(said, Mapping) else said
    registration = TABLES[table].get(str(name))
    params = _fields(import_object(registration.params), {}) if registration else {}
    return Key({"name": Key(values=tuple(known_names(table))), **params}, tuple(known_names(table)))


def _fields(struct: Any, said: Mapping[str, Any]) -> dict[str, Key]:
    return {each.encode_name: _key(each.type, said.get(each.encode_name)) for each in msgspec.structs.fields(struct)}


def _key(kind: Any, said: Any) -> Key:
    """Return what is below a key of a type, and its values."""
    parts = list(_parts(kind))
    below: dict[str, Key] = {}
    values = [str(value) for part in parts if get_origin(part) is Literal for value in get_args(part)]
    for part in parts:
        if isinstance(part, type) and issubclass(part, msgspec.Struct):
            below |= _fields(part, said if isinstance(said, Mapping) else {})
        elif get_origin(part) is dict and isinstance(said, Mapping):
            below |= {str(name): _key(get_args(part)[1], value) for name, value in said.items()}
    if bool in parts:
        values += ["true", "false"]
    if NoneType in parts and below:
        values.append("null")  # which turns it off
    return Key(below, tuple(values))


def _parts(kind: Any) -> Iterator[Any]:
    """Yield the types that a type stands for: those of a union, without annotations."""
    origin = get_origin(kind)
    if origin in (Literal, dict, list, tuple) or not get_args(kind):
        yield kind
    elif hasattr(kind, "__metadata__"):
        yield from _parts(get_args(kind)[0])
    else:
        for each in get_args(kind):
            yield from _parts(each)
