"""Every number of a stages file has a range: none can be so large, small or odd that it fails somewhere else."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from pipeline.names import ENCODERS, SOURCES, STAGES, TABLES, load
from pipeline.stagesfile.schema import Experiment

ABSURD = [10**39, -(10**39), 2**63, 1e300, -1e300, math.inf, -math.inf, math.nan]
WANTED = {  # what a struct asks for beside the field that is tried
    "root": "data", "modalities": ["x"], "protocol": "x", "stages": {"x": {}},
}  # fmt: skip
TOGETHER = {"range": {"scaling": "fixed"}}  # what makes a field count


def structs() -> Iterator[type[msgspec.Struct]]:
    yield Experiment
    for table in (STAGES, SOURCES, ENCODERS, *TABLES.values()):
        for named in table.values():
            if named.params:
                yield load(named.params)


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
    {(kind, path) for kind in structs() for path in numbers(kind)}, key=lambda each: (each[0].__name__, each[1])
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
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    needed = {key: value for key, value in (WANTED | TOGETHER.get(path[0], {})).items() if key in known}
    for absurd in ABSURD:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(needed | value_at(path, absurd), kind)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (f"stages.teacher.fit.epochs={10**26}", "stages.teacher.fit.epochs: expected a whole number <= 1000000"),
        (f"seeds=[{10**26}]", "seeds[0]: expected a whole number <= 9223372036854775807"),
        ("stages.teacher.fit.lr=.inf", "stages.teacher.fit.lr: expected a number <= 1e+38"),
        ("stages.teacher.fit.lr=.nan", "stages.teacher.fit.lr: expected a number > 0.0"),
        (f"stages.teacher.fit.lr={10**400}", "stages.teacher.fit.lr: number out of range"),
        (f"stages.teacher.fit.epochs={'1' * 5000}", "--set stages.teacher.fit.epochs="),
        ("stages.encode.inertial.patches=90000", "stages.encode.inertial.patches: they span"),
        ("stages.student.model={name: cnn1d, blocks: 20}", "stages.student.model.growth: makes 2.1e+07 channels"),
        ("source={name: synthetic, actions: 9999, subjects: 9999, trials: 9999}", "source.trials: makes 999700029999"),
    ],
)
def test_they_are_named(file: str, said_here: Callable[..., Any], setting: str, message: str) -> None:
    if "patches" in setting:
        said_here("status", "-f", file, "--set", setting, "--set", "stages.encode.inertial.stride=900").refuses(
            2, message
        )
    else:
        said_here("status", "-f", file, "--set", setting).refuses(2, message)
