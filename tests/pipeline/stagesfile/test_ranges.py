"""Every number of a stages file has a range: none can be so large, small or odd that it fails somewhere else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from pipeline.registry import ENCODERS, SOURCES, STAGES, TABLES, import_object
from pipeline.stagesfile.schema import Experiment

ABSURD = [10**39, -(10**39), 1e300, -1e300, math.inf, -math.inf, math.nan]
WANTED = {  # what a struct asks for beside the field that is tried
    "root": "data", "modalities": ["x"], "protocol": "x", "stages": {"x": {}},
    "reduce": "motion-maps",
}  # fmt: skip
TOGETHER = {"range": {"scaling": "fixed"}}  # what makes a field count


def structs() -> Iterator[type[msgspec.Struct]]:
    yield Experiment
    for table in (STAGES, SOURCES, ENCODERS, *TABLES.values()):
        for named in table.values():
            if named.params:
                yield import_object(named.params)


def numbers(kind: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the place of every number in a type: keys, and `[]` for an item of a list."""
    if kind in (int, float):
        yield path
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for name, hint in get_type_hints(kind, include_extras=True).items():
            yield from numbers(hint, (*path, name))
    else:
        inside = ("[]",) if getattr(kind, "__origin__", None) is tuple else ()
        inside = ("{}",) if getattr(kind, "__origin__", None) is dict else inside
        for each in get_args(kind):
            yield from numbers(each, (*path, *inside))


ALL = sorted(
    {(kind, path) for kind in structs() for path in numbers(kind)},
    key=lambda each: (each[0].__module__, each[0].__name__, each[1]),
)


def value_at(path: tuple[str, ...], value: float) -> Any:
    if not path:
        return value
    inner = value_at(path[1:], value)
    return [inner] if path[0] == "[]" else {"x": inner} if path[0] == "{}" else {path[0]: inner}


def test_they_are_found() -> None:
    found = {(kind.__name__, ".".join(path)) for kind, path in ALL}
    assert len(found) > 60
    assert {
        ("TrainParams", "fit.epochs"), ("DMFTKDParams", "weights.{}"), ("GafStageParams", "range.[]"),
        ("VideoParams", "depth.near"), ("Params", "views.[]"), ("Experiment", "seeds.[]"), ("TeacherParams", "width"),
    } <= found  # fmt: skip


@pytest.mark.parametrize(("kind", "path"), ALL, ids=[f"{kind.__module__}:{'.'.join(path)}" for kind, path in ALL])
def test_absurd_numbers_are_refused(kind: type[msgspec.Struct], path: tuple[str, ...]) -> None:
    required = {field.encode_name for field in msgspec.structs.fields(kind) if field.required}
    needed = {key: value for key, value in WANTED.items() if key in required}
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    needed |= {key: value for key, value in TOGETHER.get(path[0], {}).items() if key in known}
    for absurd in ABSURD:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(needed | value_at(path, absurd), kind)
