"""Protocols in a plan: what enters keys is recordings, and what is to be known of folds is said once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from pipeline.errors import ConfigError
from pipeline.plan.recordings.table import rows_digest, table_digest
from pipeline.report.results_text import results_text
from pipeline.report.status import as_json, as_text
from pipeline.sources.base import Listing, Recording
from store.canonical import digest

PAGE = (Path(__file__).parents[3] / "docs" / "stages-file.md").read_text(encoding="utf-8")


def trained(plan: Any) -> set[str]:
    return {step.key for step in plan.steps.values() if step.stage in ("train", "distil")}


def notes(plan: Any) -> list[str]:
    return [line.partition(": ")[2] for line in as_text(plan, plan.steps.values()).splitlines() if "note: " in line]


def folds(plan: Any, entry: str = "teacher") -> list[str]:
    return [id_ for id_ in plan.steps if id_.startswith(f"{entry}[")]


@pytest.mark.parametrize(
    ("named", "written"),
    [
        ("subject-50-50", {"test": {"subject": [2, 4]}}),
        ("subject-50-50", {"train": {"subject": [1, 3]}}),
        ("subject-50-50", {"test": {"subject": [2, 4]}, "train": {"subject": ["1", "3"]}}),
        ("loso", {"leave-one-out": "subject"}),
        ("loso", {"folds": [{"name": f"without-{s}", "test": {"subject": s}} for s in (1, 2, 3, 4)]}),
        ("cross-session", {"test": {"session": 2}}),
    ],
)
def test_the_same_recordings_make_the_same_keys(finished: Any, named: str, written: Any) -> None:
    settings = (("source.subjects", 4), ("source.trials", 2))
    keys = trained(finished.plan(("protocol", named), *settings))
    assert trained(finished.plan(("protocol", written), *settings)) == keys


def test_steps_are_named_by_fold(finished: Any) -> None:
    assert folds(finished.plan(("protocol", {"test": {"subject": 2}}))) == ["teacher[test=subject=2,seed=0]"]
    assert folds(finished.plan(("protocol", {"k-folds": 2}))) == ["teacher[fold=1,seed=0]", "teacher[fold=2,seed=0]"]
    named = [{"name": name, "test": {"subject": s}} for s, name in ((1, "a"), (2, "b"))]
    assert folds(finished.plan(("protocol", {"folds": named}))) == ["teacher[fold=a,seed=0]", "teacher[fold=b,seed=0]"]


def test_a_matrix_over_protocols_shows_each_in_short(finished: Any) -> None:
    plan = finished.plan(("matrix", {"protocol": ["subject-50-50", {"test": {"subject": [1]}}, {"random": 0.5}]}))
    assert folds(plan)[1:] == [
        "teacher[protocol=test subject=1,test=subject=1,seed=0]",
        "teacher[protocol=random 0.5, seed 0,random=0.5,seed=0]",
    ]
    assert {label["protocol"] for step in plan.steps.values() for label in step.labels} == {
        "subject-50-50", "test subject=1", "random 0.5, seed 0"
    }  # fmt: skip


@pytest.mark.parametrize("protocol", ["random", {"random": 0.5}, {"k-folds": 2, "by": "id"}])
def test_subjects_on_both_sides_are_told(finished: Any, protocol: Any) -> None:
    told = notes(finished.plan(("protocol", protocol)))
    assert "protocol: trains and tests on the same 2 subjects: figures say little of new people" in told


def test_by_subject_nothing_is_told(finished: Any) -> None:
    for protocol in ("subject-50-50", "loso", {"k-folds": 2}, {"leave-one-out": "subject"}):
        assert notes(finished.plan(("protocol", protocol))) == []


def test_classes_that_a_side_lacks_are_told_once(finished: Any) -> None:
    """Once, however many models, seeds and points are trained on the fold."""
    written = {"test": {"subject": 1, "label": ["wave", "squat"]}, "train": {"subject": 2, "label": ["wave", "push"]}}
    settings = (("protocol", written), ("seeds", [0, 1]), ("matrix", {"modalities": [["skeleton"], ["inertial"]]}))
    plan = finished.plan(*settings)
    told = ["protocol: trains on no recording of squat", "protocol: tests on no recording of push"]
    assert notes(plan) == told
    assert as_json(plan, ())["notes"] == told


def test_a_part_of_the_data_is_planned_by_the_protocol_of_the_whole(raw: Path, project: Any, small: Any) -> None:
    for path in raw.glob("*/a*_s1_*.mat"):
        if not path.name.startswith("a1_"):
            path.unlink()
    project.write({**small, "source": {"name": "utd-mhad", "root": str(raw)}})
    unusable, note = notes(project.plan())
    assert unusable.startswith("classes: no recording that can be used is of ")
    assert note.startswith("protocol: trains on no recording of swipe_right, ")
    with pytest.raises(ConfigError, match=r"fold train=subject=1 trains on recordings of swipe_left alone\n  a model"):
        project.plan(("protocol", {"train": {"subject": 1}}))


def test_of_many_folds_the_first_are_told(finished: Any) -> None:
    labels = [{"name": f"f{i}", "test": {"subject": 1, "label": "wave"}, "train": {"subject": 2}} for i in range(5)]
    (note,) = notes(finished.plan(("protocol", {"folds": labels})))
    assert re.fullmatch(
        r"protocol: a class is missing where it tests, in 5 of 5 folds: fold=f0 \(.*\), fold=f1 .* and 2 more", note
    )


def test_notes_stand_under_the_results(finished: Any) -> None:
    plan = finished.plan()
    assert "note: " not in results_text(plan)
    object.__setattr__(plan, "notes", ["protocol x: trains on no recording of y"])
    assert results_text(plan).splitlines()[-1] == "note: protocol x: trains on no recording of y"


class TestFurtherColumns:
    PLAIN = Recording("a", "1", "wave", "1", None, "2", None, 3.5)

    def test_recordings_without_any_have_the_digest_of_before(self) -> None:
        listing = Listing((self.PLAIN,))
        assert table_digest(listing) == digest([["a", "1", "wave", "1", None, "2", None, 3.5]])

    def test_enter_the_tables_digest_in_any_order_and_no_features(self) -> None:
        one, other, third = (
            Listing((msgspec.structs.replace(self.PLAIN, columns=columns),))
            for columns in (
                {"hand": "left", "age": "30"},
                {"age": "30", "hand": "left"},
                {"hand": "right", "age": "30"},
            )
        )
        assert table_digest(one) == table_digest(other) != table_digest(third)
        assert table_digest(one) != table_digest(Listing((self.PLAIN,)))
        assert rows_digest(one) == rows_digest(Listing((self.PLAIN,)))


def test_every_protocol_on_the_page_plans(project: Any, small: dict[str, Any]) -> None:
    section = re.search(r"^## Protocols\n(.*?)(?=^## )", PAGE, re.M | re.S)
    assert section
    inline = [yaml.safe_load(each) for each in re.findall(r"`protocol: (\{.*?\})`", section[1])]
    blocks = [yaml.safe_load(each)["protocol"] for each in re.findall(r"```yaml\n(.*?)```", section[1], re.S)]
    assert len(inline) > 6
    assert blocks
    for protocol in [*inline, *blocks]:
        project.write({**small, "source": {"name": "sample"}, "protocol": protocol})
        if "hand" in str(protocol):  # a column that a table of one's own may have
            with pytest.raises(ConfigError, match="no recording has a hand"):
                project.plan()
        else:
            assert folds(project.plan())
