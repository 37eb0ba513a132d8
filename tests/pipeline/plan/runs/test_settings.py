"""How two stages files, with their settings, differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.plan.runs.settings import UNSET, asked_of, differing, differing_keys, flat, is_about
from pipeline.stagesfile.document import Document
from pipeline.stagesfile.settings import with_settings

words = st.sampled_from(["fit", "lr", "teacher", "model", "loss", "seeds"])
leaves = st.none() | st.integers(-3, 3) | st.sampled_from(["dmft", "x"]) | st.lists(st.integers(0, 2), max_size=2)
files = st.dictionaries(words, st.recursive(leaves, lambda inner: st.dictionaries(words, inner, max_size=3)))


def asked(values: dict[str, Any]) -> dict[str, Any]:
    return asked_of(Document(Path("stages.yaml"), values))


@given(files)
def test_nothing_differs_from_itself(values: dict[str, Any]) -> None:
    assert differing(asked(values), asked(values)) == {}
    assert differing_keys([asked(values)] * 3) == []


@given(files, files)
def test_setting_what_differs_gives_the_same(values: dict[str, Any], base: dict[str, Any]) -> None:
    found = differing(asked(values), asked(base))
    made = flat(asked(base)) | {key: value for key, value in found.items() if value != UNSET}
    wanted = flat(asked(values))
    assert {key: value for key, value in made.items() if key in wanted} == wanted
    assert set(differing_keys([asked(values), asked(base)])) >= set(found)


def test_a_setting_is_told_as_it_was_given() -> None:
    values = {"seeds": [0], "source": {"name": "sample", "root": "/a"}, "stages": {"student": {"model": "dmft-lite"}}}
    document = Document(Path("stages.yaml"), values)
    settings = [("stages.student.model.width", 32), ("source.root", "/b"), ("store", "/c"), ("fit.epochs", 3)]
    after = asked_of(with_settings(document, settings, "--set"))
    assert differing(after, asked_of(document)) == {"stages.student.model.width": 32, "fit.epochs": 3}
    assert differing(asked_of(document), after) == {"stages.student.model.width": UNSET, "fit.epochs": UNSET}


def test_values_that_json_lacks_are_text() -> None:
    assert asked({"fit": {"lr": float("inf"), 3: "x"}}) == {"fit": {"lr": "inf", "3": "x"}}


def test_nothing_is_not_the_same_as_left_out() -> None:
    on, off = {"stages": {"teacher": {"augment": {}}}}, {"stages": {"teacher": {"augment": None}}}
    assert differing(asked(off), asked(on)) == {"stages.teacher.augment": None}
    assert differing(asked({"stages": {"encode": None}}), asked({"stages": {"encode": {}}})) == {}


ENTRIES = {
    "stages": {
        "encode": None,
        "teacher": {"stage": "train", "needs": ["encode"], "fit": {"lr": 0.1}},
        "teacher.2": {"stage": "train", "needs": ["encode"]},
        "distilled": {"stage": "distil", "needs": ["encode", "teacher"], "fit": {"lr": 0.1}},
        "evaluate": {"needs": ["teacher", "teacher.2", "distilled"]},
    }
}


@pytest.mark.parametrize(
    ("key", "entries"),
    [
        ("stages.encode.skeleton.rate", {"teacher", "teacher.2", "distilled"}),
        ("stages.teacher.model.width", {"teacher", "distilled"}),
        ("stages.teacher.2.model.width", {"teacher.2"}),
        ("stages.distilled.loss.name", {"distilled"}),
        ("stages.not_in_this_run.model", set()),
        ("stages.evaluate.needs", {"teacher", "teacher.2", "distilled"}),
        ("fit.lr", {"teacher.2"}),
        ("fit.epochs", {"teacher", "teacher.2", "distilled"}),
        ("source.subjects", {"teacher", "teacher.2", "distilled"}),
    ],
)
def test_a_setting_is_about_what_it_may_change(key: str, entries: set[str]) -> None:
    assert {entry for entry in ("teacher", "teacher.2", "distilled") if is_about(key, entry, ENTRIES)} == entries
