"""The schema says of every struct's fields what the struct does: types, ranges, defaults, descriptions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.registry import LOSSES, MODELS, import_object
from pipeline.schema.stages_file import stages_file_schema
from pipeline.stagesfile.schema import Experiment
from trainers.params import AugmentParams, FitParams

Marks = Callable[[Any], list[str]]


def experiment(model: Any = "dmft", loss: Any = "hinton", fit: Any = None, augment: Any = None) -> dict[str, Any]:
    return {
        "modalities": ["skeleton"],
        "protocol": "loso",
        "fit": fit or {},
        "stages": {
            "encode": None,
            "teacher": {"stage": "train", "needs": ["encode"], "model": model, "augment": augment},
            "taught": {"stage": "distil", "needs": ["encode", "teacher"], "model": "dmft", "loss": loss},
        },
    }


def accepts(struct: type[msgspec.Struct], values: dict[str, Any]) -> bool:
    try:
        msgspec.convert(values, struct)
    except msgspec.ValidationError:
        return False
    return True


def choices(kind: Any) -> set[str]:
    return {each for each in get_args(kind) if isinstance(each, str)}.union(*map(choices, get_args(kind)))


def sections(struct: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
    """Parameters of a struct, right and wrong, and now and then one that it does not have."""
    words = sorted(set().union(*(choices(field.type) for field in msgspec.structs.fields(struct)))) or ["native"]
    values = st.one_of(
        st.integers(-3, 3),
        st.sampled_from([0.25, 0.5, 1.5, -0.5, 99_999_999, 1e12, True, False, None, "", [], {}]),
        st.sampled_from(words),
    )
    known = [field.encode_name for field in msgspec.structs.fields(struct)]
    return st.dictionaries(st.sampled_from([*known, *known, "nothing"]), values, max_size=3)


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_it_judges_as_the_types_do(marks: Marks, data: st.DataObject) -> None:
    # by `__post_init__`, of several keys
    checked_further = {"CNN1DParams", "FusionParams", "HamletParams", "ImageNetworkParams", "FitParams"}
    models = {name: import_object(entry.params) for name, entry in MODELS.items()}
    losses = {name: import_object(entry.params) for name, entry in LOSSES.items()}
    where, name, struct = data.draw(
        st.sampled_from(
            [
                *(("model", name, struct) for name, struct in models.items()),
                *(("loss", name, struct) for name, struct in losses.items()),
                ("fit", "", FitParams),
                ("augment", "", AugmentParams),
            ]
        )
    )
    section = data.draw(sections(struct))
    marked = marks(experiment(**{where: {"name": name, **section} if name else section}))
    if accepts(struct, section):
        assert marked == []
    elif struct.__name__ not in checked_further:
        assert marked
        assert all(each.startswith(("fit", "stages.")) for each in marked)


@pytest.mark.parametrize(("table", "key"), [(MODELS, "model"), (LOSSES, "loss")], ids=["models", "losses"])
def test_everything_at_its_defaults_is_valid(marks: Marks, table: Any, key: str) -> None:
    for name, entry in table.items():
        values = msgspec.to_builtins(import_object(entry.params)())
        assert marks(experiment(**{key: {"name": name, **values}})) == []
        assert marks(experiment(**{key: name})) == []


def test_keys_have_descriptions_and_defaults() -> None:
    found = stages_file_schema()["$defs"]
    assert set(found["Experiment"]["properties"]) == set(Experiment.__struct_fields__)
    assert all("description" in each for each in found["Experiment"]["properties"].values())
    fit = found["FitParams"]["properties"]
    assert fit["lr"]["default"] == FitParams().lr
    assert fit["label_smoothing"]["description"] == "Share of the target spread evenly over the classes."
    assert fit["epochs"]["description"].startswith("Passes over the training recordings, and recordings in a step")
    assert fit["batch"]["description"] == fit["epochs"]["description"]  # they share a line of the docstring
    teacher = found["TeacherParams"]
    assert teacher["properties"]["positions"]["description"].startswith("Sinusoidal positions")  # the student's
    assert teacher["description"].startswith("The teacher: the student's streams")
    assert "Attributes" not in json.dumps(found)
    assert "``" not in json.dumps(found)


def test_names_of_installed_packages_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "herd-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: herd\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[harvest.models]\nmoo = herd.tiny:Moo\n[harvest.stages]\ngraze = herd:Graze\n"
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert '"moo"' not in json.dumps(stages_file_schema())
    monkeypatch.syspath_prepend(str(tmp_path))
    text = json.dumps(stages_file_schema())
    assert '"moo"' in text
    assert '"graze"' in text


def test_a_search_is_marked_as_it_is_read(marks: Marks) -> None:
    space = {"teacher": {"stages.teacher.model.width": [24, {"a": 1}], "fit.lr": {"low": 1e-4, "high": 1, "log": True}}}
    assert (
        marks({**experiment(), "tune": {"space": space, "inner": "leave-one-out"}, "by_fold": {"subject=1": {}}}) == []
    )
    for wrong in ({}, {"space": space, "trails": 3}, {"space": {"teacher": {"fit.lr": {"low": 1, "hihg": 2}}}}):
        assert marks({**experiment(), "tune": wrong}) != []
