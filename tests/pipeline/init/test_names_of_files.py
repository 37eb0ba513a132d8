"""What names of files and folders say: who, what, which time; and what lies about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ConfigError

from .folders import CLASSES, turning, wrist, write_table
from .proposals import proposal_of, streams_of


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        ("{label}/{subject}_{n}.csv", "{label}/{subject}_{session}.csv"),
        ("{subject}/{label}_{n}.csv", "{subject}/{label}_{session}.csv"),
        ("{subject}_{label}_{n}.csv", "{subject}_{label}_{session}.csv"),
        ("rec/{label}/P{number}/take{n}.csv", "rec/{label}/P{subject}/take{session}.csv"),
        ("subject{number}/s{number}_{label}_{n}.csv", "subject{subject}/s{subject}_{label}_{session}.csv"),
        ("2024010{n}_12000{n}_{subject}_{label}.csv", "{session}_{time}_{subject}_{label}.csv"),
        ("P{number}{label}{n}.csv", "P{subject:d}{label}{session:d}.csv"),
    ],
)
def test_names_that_say_who_and_what(tmp_path: Path, names: str, pattern: str) -> None:
    for number, subject in enumerate(("anna", "ben", "carl"), 1):
        for label in ("walking", "sitting", "running"):
            for n in (1, 2):
                path = tmp_path / names.format(subject=subject, label=label, number=number, n=n)
                write_table(path, [np.arange(60) / 50, *wrist(60).T], ("time", "x", "y", "z"))
    found = proposal_of(tmp_path)
    (stream,) = streams_of(found).values()
    assert stream["files"] == pattern
    assert found.questions == []
    recordings = found.listing.recordings
    assert len(recordings) == 18
    assert len({each.subject for each in recordings}) == 3
    assert {each.action for each in recordings} == {"walking", "sitting", "running"}
    assert found.document["protocol"] == "loso"
    assert found.document["stages"]["model"]["model"] == "cnn1d"


def test_numbers_alone_are_asked_about_and_answered_by_a_pattern(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in range(1, 6):
            for trial in (1, 2):
                path = tmp_path / f"{subject}_{label}_{trial}.csv"
                write_table(path, [np.arange(60) / 50, *wrist(60).T], ("t", "x", "y", "z"))
    found = proposal_of(tmp_path)
    (question,) = found.questions
    assert question.key == "source.streams.accelerometer.files"
    assert question.guess == "{subject}_{label}_{session}.csv"
    assert "{session}_{label}_{subject}.csv" in [value for value, _ in question.choices]
    decided = proposal_of(tmp_path, source__streams__accelerometer__files="{label}_{subject}_{session}.csv")
    assert decided.questions == []
    assert decided.document["source"]["classes"] == ["1", "2", "3"]
    assert len({each.subject for each in decided.listing.recordings}) == 5


def test_names_that_do_not_say_who(tmp_path: Path) -> None:
    for label, first in (("walk", 2031), ("run", 4077)):
        for number in range(12):
            write_table(
                tmp_path / label / f"REC_{first + number}.csv", [np.arange(60) / 50, *wrist(60).T], ("t", *"xyz")
            )
    found = proposal_of(tmp_path)
    (question,) = found.questions
    assert "do not say who" in question.text
    assert streams_of(found)["accelerometer"]["files"] == "{label}/REC_{subject}.csv"
    assert found.document["protocol"] == "random"
    assert "names do not say who" in found.comments["protocol"]


def test_names_that_do_not_say_what_is_done(tmp_path: Path) -> None:
    for subject in range(1, 4):
        write_table(tmp_path / f"subject{subject}.csv", [np.arange(60) / 50, *wrist(60).T], ("t", "x", "y", "z"))
    with pytest.raises(ConfigError, match=r"no part that says what is done .*\n  write \{label\}"):
        proposal_of(tmp_path)


def test_names_that_have_dates(tmp_path: Path) -> None:
    for label in ("walk", "run"):
        for day in (1, 2, 3):
            for sensor in ("Accelerometer", "Gyroscope"):
                values = wrist(60) if sensor == "Accelerometer" else turning(60, 300.0)
                path = tmp_path / f"{label}-2023-11-0{day}_10-1{day}-12" / f"{sensor}.csv"
                write_table(path, [np.arange(60) / 50, *values.T], ("seconds_elapsed", "x", "y", "z"))
    found = proposal_of(tmp_path)
    assert streams_of(found)["accelerometer"]["files"] == "{label}-{subject}/Accelerometer.csv"
    assert found.document["protocol"] == "random"
    assert found.document["source"]["classes"] == ["run", "walk"]
    assert len(found.listing.recordings) == 6


@pytest.mark.parametrize("prefix", ["IMG_", "VID-", "rec", "GX01"])
def test_numbers_that_a_camera_counts_are_nobody(tmp_path: Path, prefix: str) -> None:
    for label in ("walk", "run"):
        for number in range(2000, 2006):
            columns = [np.arange(60) / 50, *wrist(60).T]
            write_table(tmp_path / label / f"{prefix}{number}.csv", columns, ("t", "x", "y", "z"))
    found = proposal_of(tmp_path)
    assert any("do not say who" in question.text for question in found.questions)
    assert found.document["protocol"] == "random"


def test_one_subject_alone(tmp_path: Path) -> None:
    for label in ("walk", "run", "sit"):
        for trial in range(6):
            write_table(tmp_path / f"s01_{label}_{trial}.csv", [np.arange(60) / 50, *wrist(60).T], ("t", "x", "y", "z"))
    found = proposal_of(tmp_path)
    assert streams_of(found)["accelerometer"]["files"] == "s{subject}_{label}_{session}.csv"
    assert {each.subject for each in found.listing.recordings} == {"1"}
    assert found.document["protocol"] == "random"
    assert "one subject alone" in found.comments["protocol"]
    assert "there is one subject alone (1), so that results tell nothing of other people" in found.notes


def test_codes_whose_meaning_a_file_says(tmp_path: Path) -> None:
    for subject in range(1, 7):
        for label in range(1, 4):
            write_table(
                tmp_path / "data" / f"s{subject}_a{label:02d}.csv", [np.arange(60) / 50, *wrist(60).T], ("t", *"xyz")
            )
    (tmp_path / "activity_labels.txt").write_text("1 WALKING\n2 SITTING\n3 STANDING UP\n")
    source = proposal_of(tmp_path).document["source"]
    assert source["classes"] == ["WALKING", "SITTING", "STANDING UP"]
    assert source["labels"] == {"1": "WALKING", "2": "SITTING", "3": "STANDING UP"}


def test_labels_in_several_spellings_are_one_class(tmp_path: Path) -> None:
    for subject, names in ((1, ("sit_down", "walk")), (2, ("sit-down", "Walk")), (3, ("sit_down", "walk"))):
        for label in names:
            write_table(tmp_path / f"s{subject}" / f"{label}.csv", [np.arange(60) / 50, *wrist(60).T], ("t", *"xyz"))
    found = proposal_of(tmp_path)
    assert found.document["source"]["classes"] == ["sit_down", "walk"]
    assert found.document["source"]["labels"] == {"sit-down": "sit_down", "Walk": "walk"}
    assert len(found.listing.recordings) == 6


def test_strange_files_lie_about(tmp_path: Path) -> None:
    for subject in range(1, 7):
        for label in CLASSES:
            write_table(tmp_path / f"s{subject}_{label}.csv", [np.arange(60) / 50, *wrist(60).T], ("t", "x", "y", "z"))
            (tmp_path / f"s{subject}_{label}.jpg").write_bytes(b"thumbnail")
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "notes.txt").write_text("the watch of s3 was loose\n")
    (tmp_path / "README.md").write_text("mine\n")
    write_table(tmp_path / "s1_walk copy.csv", [[1.0]])
    found = proposal_of(tmp_path)
    (stream,) = streams_of(found).values()
    assert stream["files"] == "s{subject}_{label}.csv"
    assert found.document["source"]["classes"] == ["sit_down", "walk", "wave"]
    assert len(found.listing.recordings) == 18
    assert any("single pictures" in note for note in found.notes)


@pytest.mark.parametrize("names", [("Anna", "Bernd"), ("Anna", "Bernd", "Clara", "Dieter", "Eva")])
def test_a_file_a_person_with_a_column_of_labels(tmp_path: Path, names: Sequence[str]) -> None:
    for name in names:
        columns = [np.arange(200) / 50, *wrist(200).T, np.repeat(["walk", "sit"], 100)]
        write_table(tmp_path / f"{name}.csv", columns, ("t", "x", "y", "z", "activity"))
    found = proposal_of(tmp_path)
    assert (found.questions, streams_of(found)["accelerometer"]["files"]) == ([], "{subject}.csv")
    assert {each.subject for each in found.listing.recordings} == {*names}
    assert found.document["protocol"] == "loso"


def test_a_file_a_number_with_a_column_of_labels_is_asked_about(tmp_path: Path) -> None:
    for number in range(2031, 2036):
        columns = [np.arange(200) / 50, *wrist(200).T, np.repeat(["walk", "sit"], 100)]
        write_table(tmp_path / f"REC_{number}.csv", columns, ("t", "x", "y", "z", "activity"))
    (question,) = proposal_of(tmp_path).questions
    assert "do not say who" in question.text
