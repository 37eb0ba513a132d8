"""docs/stages-file.md lists every key with its default: held against the structs that read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
import yaml

from pipeline.registry import ENCODERS, LOSSES, MODELS, SOURCES, STAGES, TRANSFORM, import_object
from pipeline.sources.time_limits import TimeLimits
from pipeline.stagesfile.schema import Experiment
from trainers.evaluation.protocol_params import KFolds, LeaveOneOut, RandomSplit, Sides, WrittenFolds
from trainers.evaluation.protocols import PROTOCOLS

PAGE = (Path(__file__).parents[2] / "docs" / "stages-file.md").read_text(encoding="utf-8")
STRUCTS: dict[str, Any] = {"Top level": Experiment, "Times of any source": TimeLimits}
STRUCTS |= {f"Source `{name}`": import_object(place.params) for name, place in SOURCES.items()}
STRUCTS |= {f"Encode a `{name}`": import_object(place.params) for name, place in ENCODERS.items()}
STRUCTS |= {f"Stage `{name}`": import_object(stage.params) for name, stage in STAGES.items() if stage.params}
STRUCTS |= {f"Model `{name}`": import_object(place.params) for name, place in MODELS.items()}
STRUCTS |= {f"Loss `{name}`": import_object(place.params) for name, place in LOSSES.items()}
STRUCTS |= {"By columns": Sides, "Leave one out": LeaveOneOut, "k folds": KFolds, "By chance": RandomSplit}
STRUCTS |= {"Folds written out": WrittenFolds}
NAMED = {f"Stage `{name}`": [parameter for parameter, _ in stage.tables] for name, stage in STAGES.items()}


def nested(struct: Any) -> dict[str, Any]:
    """Structs that are the value of a struct's field, by the field's name."""
    hints = get_type_hints(struct, include_extras=True)
    kinds = {name: [kind, *get_args(kind)] for name, kind in hints.items()}
    found = {}
    for name, options in kinds.items():
        for option in options:
            if isinstance(option, type) and issubclass(option, msgspec.Struct):
                found |= {f"`{name}`": option, **nested(option)}
    return found


ALL = STRUCTS | {title: kind for struct in STRUCTS.values() for title, kind in nested(struct).items()}


def rows(title: str) -> dict[str, str]:
    """The first table of a section: key to default, as written."""
    section = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGE, re.M | re.S)
    assert section, f"docs/stages-file.md has no section {title!r}"
    return dict(re.findall(r"^\| `([\w-]+)` \| (.*?) \|", section[1], re.M))


@pytest.mark.parametrize("title", ALL)
def test_every_key_is_there_and_no_other(title: str) -> None:
    fields = [field.encode_name for field in msgspec.structs.fields(ALL[title])]
    assert sorted(rows(title)) == sorted([*fields, *NAMED.get(title, [])])


@pytest.mark.parametrize("title", ALL)
def test_every_default_is_right(title: str) -> None:
    said = rows(title)
    for field in msgspec.structs.fields(ALL[title]):
        written = said[field.encode_name]
        if field.required:
            assert written == "required", field.name
            continue
        default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        if isinstance(default, msgspec.Struct):
            assert written == "see below", field.name
        else:
            assert yaml.safe_load(written) == msgspec.json.decode(msgspec.json.encode(default)), field.name


@pytest.mark.parametrize("title", [title for title, names in NAMED.items() if names])
def test_what_names_a_thing_is_required(title: str) -> None:
    assert {rows(title)[name] for name in NAMED[title]} == {"required"}


def test_every_protocol_and_stage_is_there() -> None:
    protocols = re.search(r"^### Protocols by name\n(.*?)(?=^#)", PAGE, re.M | re.S)
    entries = re.search(r"^## Entries\n(.*?)(?=^#)", PAGE, re.M | re.S)
    assert protocols
    assert entries
    assert set(re.findall(r"^\| `([\w-]+)`", protocols[1], re.M)) == set(PROTOCOLS)
    assert set(re.findall(r"^\| `([\w-]+)`", entries[1], re.M)) == set(STAGES) - {"index", TRANSFORM}


def test_the_example_is_a_stages_file() -> None:
    example = re.search(r"```yaml\n(.*?)```", PAGE, re.S)
    assert example
    msgspec.convert(yaml.safe_load(example[1]), Experiment)
