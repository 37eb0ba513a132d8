"""Streams that spell subjects otherwise: they are joined where that is safe, else it is said what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline.init.joining import sets_of
from pipeline.sources.base import Recording

from .folders import wrist, write_table
from .proposals import proposal_of, source_of, streams_of

NAMES = ("anna", "ben", "carl", "dora")


def write_streams(root: Path, **streams: tuple[str, Sequence[str]]) -> None:
    """Two classes and two sessions of each subject, in files of each stream's pattern."""
    for stream, (pattern, subjects) in streams.items():
        for subject in subjects:
            for label in ("walk", "sit"):
                for session in (1, 2):
                    path = root / stream / pattern.format(subject=subject, label=label, session=session)
                    write_table(path, [np.arange(60) / 50, *wrist(60).T], ("t", "x", "y", "z"))


@pytest.mark.parametrize(
    ("pattern", "subjects", "written"),
    [
        ("{subject}_{label}_{session}.csv", ("P01", "P02", "P03", "P04"), "watch/P{subject}_{label}_{session}.csv"),
        ("{subject}_{label}_{session}.csv", ("p1", "P2", "p3", "P4"), "watch/?{subject:d}_{label}_{session}.csv"),
        ("{subject}/{label}{session}.csv", ("Subject 1", "subject 2", "Subject 3", "subject 4"),
         "watch/?ubject {subject}/{label}{session:d}.csv"),
        ("subj00{subject}/{label}_{session}.csv", "1234", "watch/subj{subject}/{label}_{session}.csv"),
    ],
)  # fmt: skip
def test_numbers_are_found_however_they_are_written(
    tmp_path: Path, pattern: str, subjects: Sequence[str], written: str
) -> None:
    write_streams(tmp_path, phone=("{subject}_{label}_{session}.csv", "1234"), watch=(pattern, subjects))
    found = proposal_of(tmp_path)
    assert streams_of(found)["watch"]["files"] == written
    assert (found.questions, found.notes) == ([], [])
    recordings = source_of(tmp_path, found).list().recordings
    assert {each.subject for each in recordings} == {*"1234"}
    assert all({*each.streams} == {"phone", "watch"} for each in recordings)
    assert found.document["modalities"] == ["phone", "watch"]


def test_a_word_before_names_is_no_part_of_them(tmp_path: Path) -> None:
    pattern = "{subject}_{label}_{session}.csv"
    write_streams(tmp_path, phone=(pattern, NAMES), watch=(pattern, [f"Q{name}" for name in NAMES]))
    found = proposal_of(tmp_path)
    assert streams_of(found)["watch"]["files"] == "watch/Q{subject}_{label}_{session}.csv"
    assert all(len(each.streams) == 2 for each in source_of(tmp_path, found).list().recordings)


@pytest.mark.parametrize(
    ("subjects", "why"),
    [
        (NAMES, "subjects of watch are anna, ben, carl, dora, of chest 1, 2, 3, 4"),
        (("P1", "x", "y"), "subjects of watch are P1, x, y, of chest 1, 2, 3, 4"),
    ],
)
def test_names_that_nothing_joins_are_asked_about(tmp_path: Path, subjects: Sequence[str], why: str) -> None:
    pattern = "{subject}_{label}_{session}.csv"
    write_streams(tmp_path, chest=(pattern, "1234"), phone=(pattern, "1234"), watch=(pattern, subjects))
    found = proposal_of(tmp_path)
    (question,) = found.questions
    assert question.key == "modalities"
    assert question.choices == ((["chest", "phone"], "without watch"), (["watch"], "without chest, phone"))
    assert (question.guess, found.document["modalities"]) == (["chest", "phone"], ["chest", "phone"])
    for text in (question.text, question.untold, found.comments["modalities"]):
        assert f"no recording has watch beside chest and phone: {why}" in text
    assert "list the recordings in a table" in found.comments["modalities"]
    assert "watch" in streams_of(found)
    decided = proposal_of(tmp_path, modalities=["watch"])
    assert (decided.questions, [*decided.document["stages"]["encode"]]) == ([], ["watch"])


def test_capitals_are_pointed_at(tmp_path: Path) -> None:
    pattern = "{subject}_{label}_{session}.csv"
    write_streams(tmp_path, phone=(pattern, NAMES), watch=(pattern, [name.title() for name in NAMES]))
    (question,) = proposal_of(tmp_path).questions
    assert question.text.endswith("of phone anna, ben, carl, dora, in other capitals. Which are used?")


def test_sessions_and_labels_that_are_spelt_otherwise(tmp_path: Path) -> None:
    for subject in (1, 2, 3):
        for label, same in (("walk", "walking"), ("sit", "sitting")):
            for number, letter in ((1, "a"), (2, "b")):
                columns = [np.arange(60) / 50, *wrist(60).T]
                for folder, name in (
                    ("by-session/watch", f"s{subject}_{label}_{number}.csv"),
                    ("by-session/phone", f"s{subject}_{label}_{letter}.csv"),
                    ("by-label/watch", f"s{subject}_{label}_{number}.csv"),
                    ("by-label/phone", f"s{subject}_{same}_{number}.csv"),
                ):
                    write_table(tmp_path / folder / name, columns, ("t", "x", "y", "z"))
    (question,) = proposal_of(tmp_path / "by-session").questions
    assert "sessions of watch are 1, 2, of phone a, b" in question.text
    (question,) = proposal_of(tmp_path / "by-label").questions
    assert "labels of watch are sit, walk, of phone sitting, walking" in question.text
    assert "`labels: {walking: walk}`" in question.untold
    labels = {"walking": "walk", "sitting": "sit"}
    joined = proposal_of(tmp_path / "by-label", source__labels=labels, source__classes=["walk", "sit"])
    assert joined.questions == []
    assert all(len(each.streams) == 2 for each in source_of(tmp_path / "by-label", joined).list().recordings)


def test_a_file_of_several_recordings_is_told(tmp_path: Path) -> None:
    write_streams(tmp_path, watch=("{subject}_{label}_{session}.csv", NAMES))
    for name in NAMES:
        write_table(tmp_path / "phone" / f"{name}.csv", [np.arange(60) / 50, *wrist(60).T], ("t", "x", "y", "z"))
    notes = proposal_of(tmp_path).notes
    assert any(
        note.startswith("phone: 4 files for 16 recordings, of which each sees all of its file") for note in notes
    )


def test_subjects_that_lack_a_stream_are_named(tmp_path: Path) -> None:
    pattern = "{subject}_{label}_{session}.csv"
    write_streams(tmp_path, phone=(pattern, NAMES), watch=(pattern, [*NAMES[:3], "dorra"]))
    found = proposal_of(tmp_path)
    assert found.questions == []
    assert "there is no phone of subjects dorra" in found.notes
    assert "there is no watch of subjects dora" in found.notes


def test_a_stream_that_few_recordings_have_is_told_of(tmp_path: Path) -> None:
    pattern = "{subject}_{label}_{session}.csv"
    write_streams(tmp_path, phone=(pattern, "123456"), watch=(pattern, "12"))
    found = proposal_of(tmp_path)
    assert found.document["modalities"] == ["phone"]
    assert any(note.startswith("left out of `modalities`: watch (8 of 24 recordings)") for note in found.notes)


def test_streams_go_together_as_recordings_have_them() -> None:
    def recording(number: int, *streams: str) -> Recording:
        return Recording(id=str(number), subject="1", action="walk", session="1", streams=dict.fromkeys(streams, ()))

    recordings = [recording(1, "a", "b"), recording(2, "b", "c"), recording(3, "d"), recording(4, "e", "f")]
    assert sets_of([*"abcdefg"], recordings) == [["a", "b", "c"], ["e", "f"], ["d"], ["g"]]
