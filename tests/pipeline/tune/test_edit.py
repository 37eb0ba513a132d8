"""A stages file with other values: it says them, and what people wrote stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stagesfile.document import Document
from pipeline.stagesfile.reader import read
from pipeline.stagesfile.settings import with_settings
from pipeline.tune.tuned_file.edit import with_values

FILE = """\
# what this is for
modalities: [skeleton, inertial]  # two
protocol: loso
fit: {epochs: 3}

stages:
  encode:
  teacher: {stage: train, needs: [encode], model: dmft}  # the teacher
  student: &student
    stage: train
    needs: [encode]
    # small
    model: cnn1d
    fit:
      lr: 1e-3   # as in the paper

      epochs: 5
    # the end
  distilled:
    stage: distil
    needs: [encode, teacher]
    loss: hinton
    <<: *student
  again: *student
"""
COMMENTS = ["# what this is for", "# two", "# the teacher", "# small", "# as in the paper", "# the end"]
CHANGES: dict[str, Any] = {
    "a number": {"stages.student.fit.lr": 0.003},
    "a name that becomes a mapping": {"stages.teacher.model.width": 32},
    "what nobody wrote": {"stages.encode.skeleton.centre": "none", "fit.lr": 0.01, "stages.teacher.fit.clip": 0},
    "in a block": {"stages.student.augment.jitter": 0.1},
    "in what others merge": {"stages.student.model.width": 8},
    "in what merges": {"stages.distilled.fit.lr": 0.1},
    "in a repetition": {"stages.again.fit.lr": 0.1},
    "a mapping": {"stages.teacher.model": {"name": "trn", "scales": [2, 3]}},
    "settings of folds": {"by_fold": {"subject=1": {"stages.student.fit.lr": 0.2}, "subject=2": {}}},
    "all at once": {
        "stages.student.fit.lr": 0.5, "stages.distilled.fit.epochs": 9, "stages.again.model": "dmft-lite",
        "protocol": {"k-folds": 3}, "seeds": [0, 1],
    },
}  # fmt: skip


def values(text: str) -> dict[str, Any]:
    found: dict[str, Any] = read(Path("stages.yaml"), text).values
    return found


def wanted(text: str, settings: dict[str, Any]) -> dict[str, Any]:
    return with_settings(Document(Path("stages.yaml"), values(text)), settings.items(), "--set").values


@pytest.mark.parametrize("change", CHANGES)
def test_values_are_set_and_comments_stay(change: str) -> None:
    target = wanted(FILE, CHANGES[change])
    text = with_values(FILE, target)
    assert values(text) == target
    assert all(comment in text for comment in COMMENTS)
    assert len([line for line in FILE.splitlines() if line not in text.splitlines()]) <= 6


def test_only_what_others_merge_changes() -> None:
    """What was set for one entry is not set for those that repeat it."""
    text = with_values(FILE, wanted(FILE, {"stages.student.model.width": 8}))
    assert values(text)["stages"]["distilled"]["model"] == "cnn1d"
    assert values(text)["stages"]["again"]["model"] == "cnn1d"


def test_a_text_that_says_it_already_stays() -> None:
    assert with_values(FILE, values(FILE)) == FILE


plain = st.recursive(
    st.one_of(st.integers(-9, 9), st.booleans(), st.none(), st.text("ab: #{}[]'\"\n,&*-", max_size=5), st.floats(0, 1)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)),
    max_leaves=8,
)
documents = st.dictionaries(st.sampled_from("abcd"), plain, min_size=1, max_size=4)


@given(documents, documents, st.booleans())
def test_any_values_can_take_the_place_of_any_others(before: Any, after: Any, flow: bool) -> None:
    text = yaml.safe_dump(before, default_flow_style=flow, sort_keys=False)
    assert values(with_values(text, after)) == after
