"""The types of a stages file's keys, and the conversion that names file, line, key and remedy when one is off."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from pipeline.errors import ConfigError
from pipeline.stagesfile.document import Document
from pipeline.stagesfile.tune import TuneParams

T = TypeVar("T")

_PLAIN_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
    "date": "a date",
    "datetime": "a date",
    "bytes": "bytes",
}

_FEW = 4  # choices that are said in the sentence itself
_PAGE = "docs/stages-file.md"


Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Figures = dict[str, Percent | tuple[Percent, ...]]  # by entry; of a matrix a list, a figure a point


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Figures that somebody else published, beside which results are shown.

    Attributes
    ----------
    by
        Where they stand: ``DMFT, Table 5``.
    top1, macro_f1, vskd_f1
        By entry, in percent; of a matrix a list, in the order of its points.
    """

    by: str = ""
    top1: Figures = {}
    macro_f1: Figures = {}
    vskd_f1: Figures = {}

    def figures(self) -> dict[str, Figures]:
        """Return the figures by metric."""
        return {"top1": self.top1, "macro_f1": self.macro_f1, "vskd_f1": self.vskd_f1}


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The top level of a stages file; see docs/stages-file.md.

    Attributes
    ----------
    store
        Where outputs live: a folder relative to this file, or a URL.
    remote
        A URL or a list of them: where to look for outputs next, in order.
    source
        The dataset: its name, and what that source takes.
    modalities
        Which of the source's modalities models see.
    protocol
        How recordings are split: a name, or a mapping; see `pipeline.stagesfile.protocol`.
    seeds
        One training of every model for each.
    matrix
        Repeats all entries over lists of values of any other key: ``{stages.teacher.model.tokens: [2, 4, 8]}``.
    fit
        Defaults of the ``fit`` of all entries that train.
    compare
        What models are held against in results: ``{distilled: [student, smoothed]}``, and no others. Without it each
        distilled entry is held against the same student without a teacher.
    published
        Figures that somebody else published, beside which results are shown.
    on_bad_recording
        ``fail``: list the broken recordings and stop; ``skip``: go on without them.
    equal_code
        ``accept``: outputs of an earlier release stay cached where code changed no value; ``refuse``: every step is
        keyed by the code as it is.
    stages
        The entries, by names of your choice: what each does, which others it needs, and its parameters.
    by_fold
        Settings that hold for one fold alone, by its name: ``{subject=3: {stages.teacher.model.width: 32}}``; each fold
        is named.
    tune
        What `pipeline tune` searches.
    """

    store: str = ".store"
    remote: str | tuple[str, ...] = ()
    source: dict[str, Any] = msgspec.field(default_factory=lambda: {"name": "sample"})
    modalities: tuple[str, ...]
    protocol: str | dict[str, Any]
    seeds: tuple[Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)], ...] = (0,)
    matrix: dict[str, list[Any]] = {}
    fit: dict[str, Any] = {}
    compare: dict[str, tuple[str, ...]] = {}
    published: Published = Published()
    on_bad_recording: Literal["fail", "skip"] = "fail"
    equal_code: Literal["accept", "refuse"] = "accept"
    stages: dict[str, dict[str, Any] | None]
    by_fold: dict[str, dict[str, Any]] = {}
    tune: TuneParams | None = None


def json_values(params: msgspec.Struct) -> Any:
    """Return parameters as they are read again from JSON, for recipes: with lists where structs have tuples.

    A field that a struct names in ``LATER``, since outputs were made without it, is left out at its default.
    """
    values = json.loads(json.dumps(msgspec.to_builtins(params)))
    _drop_later(params, values)
    return values


def _drop_later(params: msgspec.Struct, values: dict[str, Any]) -> None:
    for field in msgspec.structs.fields(params):
        value = getattr(params, field.name)
        if field.name in getattr(params, "LATER", ()) and value == field.default:
            del values[field.encode_name]
        elif isinstance(value, msgspec.Struct):
            _drop_later(value, values[field.encode_name])


def convert(document: Document, key: str, value: Any, kind: type[T], *, page: str = _PAGE) -> T:
    """Convert plain values to a struct; ConfigError names the line, the key and what is accepted, or the `page`."""
    try:
        typed = msgspec.convert(value, kind)
        # once more, so that a default of 6 for a float is the same value as a 6 that somebody wrote
        return msgspec.convert(msgspec.to_builtins(typed), kind)
    except msgspec.ValidationError as error:
        message, at, where = str(error).partition(" - at `$")
        if " - at `key` in `$" in message:
            inner = _locate(value, kind, message.rpartition("`$")[2].rstrip("`"))[0]
            full = ".".join(part for part in (key, inner) if part)
            raise document.error(full, "a key is not text", "put quotes around it") from None
        inner, expected, fields = _locate(value, kind, where.rstrip("`") if at else "")
        full = ".".join(part for part in (key, inner) if part)
        unknown = re.search(r"unknown field `([^`]+)`", message)
        if unknown:
            full = ".".join(part for part in (full, unknown[1]) if part)
            raise document.error(full, "no such key", did_you_mean(unknown[1], fields)) from None
        missing = re.search(r"missing required field `([^`]+)`", message)
        if missing:
            full = ".".join(part for part in (full, missing[1]) if part)
            raise document.error(full, "is missing", f"add this key; {page} explains it") from None
        choices = _choices(expected)
        if message.startswith("Invalid enum value") and choices:
            value = message.removeprefix("Invalid enum value ")
            others = _other_kinds(expected)
            if others and len(choices) <= _FEW:
                raise document.error(
                    full, f"{value} is neither {others} nor {' nor '.join(choices)}", _see(page)
                ) from None
            remedy = did_you_mean(value.strip("'"), choices) + (f"; or {others}" if others else "")
            raise document.error(full, f"{value} is not known", remedy) from None
        raise _wrong_value(document, full, message, fields, page) from None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say what names there are, the nearest first."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean `{close[0]}`? " if close else ""
    return f"{hint}known: {', '.join(names)}"


def _see(page: str) -> str:
    return f"{page} says what this key takes"


def _wrong_value(document: Document, key: str, message: str, fields: list[str], page: str) -> ConfigError:
    """Say what a value should be: its type, or in a struct's own words (``window: must be ...``)."""
    name, colon, rest = message.partition(": ")
    if colon and name in fields:
        key, message = f"{key}.{name}", rest
    elif colon and name == key.rpartition(".")[2]:
        message = rest
    problem, semicolon, remedy = message.partition("; ")
    problem = re.sub(r"`([a-z |]+)`", lambda types: _plain(types[1]), problem)
    if not semicolon:
        remedy = "put quotes around it" if problem.endswith("got a date") else _see(page)
    if message != rest:  # msgspec's words, and not a struct's, which may begin with a value
        problem = problem[:1].lower() + problem[1:]
    return document.error(key, problem, remedy)


def _plain(types: str) -> str:
    return " or ".join(_PLAIN_WORDS.get(word, word) for word in types.split(" | "))


def _locate(value: Any, kind: Any, path: str) -> tuple[str, Any, list[str]]:
    """Follow msgspec's path; return it with keys for ``[...]``, and the type and the fields that are known there."""
    named = ""
    for part in re.findall(r"[^.\[\]]+|\[[^\]]*\]", path):
        if part == "[...]":
            part, kind = _offending(value, kind)
            value = value.get(part) if isinstance(value, dict) else value
        elif part.startswith("["):
            value, kind = value[int(part[1:-1])], _item_of(kind)
        else:
            value, kind = value.get(part) if isinstance(value, dict) else None, _field_of(kind, part)
        named += part if part.startswith("[") or not named else f".{part}"
    structs = [each for each in (kind, *get_args(kind)) if isinstance(each, type) and issubclass(each, msgspec.Struct)]
    return named, kind, [field.encode_name for struct in structs for field in msgspec.structs.fields(struct)]


def _offending(value: Any, kind: Any) -> tuple[str, Any]:
    """Find the first key of a mapping whose value is not of the mapping's type."""
    item = _item_of(kind)
    for key, each in value.items() if isinstance(value, dict) else ():
        try:
            msgspec.convert(each, item)
        except msgspec.ValidationError:
            return str(key), item
    return "...", item


def _item_of(kind: Any) -> Any:
    args = [each for each in get_args(kind) if each is not Ellipsis and each is not type(None)]
    return _item_of(args[0]) if isinstance(kind, UnionType) and len(args) == 1 else (args or [Any])[-1]


def _field_of(kind: Any, name: str) -> Any:
    for each in (kind, *get_args(kind)):
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            return get_type_hints(each, include_extras=True).get(name, Any)
    return Any


def _other_kinds(kind: Any) -> str:
    """Say what a key takes beside a Literal's values: ``a whole number``; empty where that is nothing."""
    if get_origin(kind) is Annotated:
        return _other_kinds(get_args(kind)[0])
    if get_origin(kind) is Literal or kind is type(None):
        return ""
    if get_origin(kind) in (tuple, list):
        return "a list"
    if args := get_args(kind):
        return " nor ".join(filter(None, map(_other_kinds, args)))
    return _PLAIN_WORDS.get(getattr(kind, "__name__", ""), "")


def _choices(kind: Any) -> list[str]:
    """List a Literal's values, also within a union or an annotation."""
    if get_origin(kind) is Literal:
        return [str(each) for each in get_args(kind)]
    return [*dict.fromkeys(choice for each in get_args(kind) for choice in _choices(each))]
