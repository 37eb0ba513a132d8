"""Several recordings in one file: by a column of labels, a table of stretches, or windows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import ConfigError

from .folders import turning, wrist, write_table
from .proposals import check_read, proposal_of, source_of, streams_of


def test_one_long_file_a_subject_with_a_column_of_labels(tmp_path: Path) -> None:
    for subject in range(1, 5):
        labels = np.repeat(["null", "walk", "run", "sit"], 500)
        columns = [np.arange(2000) / 50, *wrist(2000).T, *turning(2000, 200).T, labels]
        header = ("time", "acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z", "activity")
        write_table(tmp_path / f"subject{subject}.csv", columns, header)
    found = proposal_of(tmp_path)
    source = found.document["source"]
    assert source["streams"]["inertial"]["units"] == ["g", "g", "g", "deg/s", "deg/s", "deg/s"]
    assert source["segments"] == {"column": "activity", "stream": "inertial"}
    assert (source["classes"], source["labels"]) == (["run", "sit", "walk"], {"null": None})
    assert not found.estimated
    assert found.listing.recordings == check_read(tmp_path, found, inertial=(6,)).list().recordings
    assert len(found.listing.recordings) == 4 * 3


def test_one_long_file_a_subject_with_a_table_of_stretches_beside_it(tmp_path: Path) -> None:
    for subject in range(1, 5):
        write_table(tmp_path / f"P{subject}_imu.csv", [np.arange(3000) / 50, *wrist(3000).T], ("t", "ax", "ay", "az"))
        rows = [(1.0, 9.5, "walk"), (12.25, 20.0, "run"), (30.0, 41.0, "sit")]
        write_table(tmp_path / f"P{subject}_labels.csv", [*zip(*rows, strict=True)], ("begin", "end", "activity"))
    found = proposal_of(tmp_path)
    source = found.document["source"]
    assert source["streams"]["imu"]["files"] == "P{subject}_imu.csv"
    segments = {"files": "P{subject}_labels.csv", "columns": {"start": "begin", "label": "activity"}}
    assert source["segments"] == segments
    assert source["classes"] == ["run", "sit", "walk"]
    assert len(found.listing.recordings) == 12


def test_long_trials_become_windows(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "run"):
            path = tmp_path / f"s{subject}_{label}.csv"
            write_table(path, [np.arange(3000) / 50, *wrist(3000).T], ("time", "x", "y", "z"))
    found = proposal_of(tmp_path)
    assert found.document["source"]["segments"] == {"windows": {"seconds": 5.0}}
    assert len(check_read(tmp_path, found, accelerometer=(3,)).list().recordings) == 3 * 2 * 12


def test_long_files_without_names_of_columns(tmp_path: Path) -> None:
    """As WISDM's: subject, label, time in ns since the phone was started, x, y, z; lines end in a semicolon."""
    for subject in range(1600, 1604):
        labels = np.repeat(["A", "B", "C"], 600)
        times = 252_207_666_810_782 + np.arange(1800) * 50_000_000
        columns = [[subject] * 1800, labels, times, *wrist(1800, gravity=9.81).T]
        path = tmp_path / "phone" / f"data_{subject}_accel_phone.txt"
        write_table(path, columns)
        path.write_text(path.read_text().replace("\n", ";\n"))
    found = proposal_of(tmp_path)
    stream = streams_of(found)["phone"]
    assert stream["time"] == {"column": 3, "unit": "ns"}
    assert (stream["rate"], stream["units"], stream["columns"]) == (20, "m/s2", [4, 5, 6])
    assert found.document["source"]["segments"] == {"column": 2, "stream": "phone", "windows": {"seconds": 5.0}}
    assert found.document["source"]["classes"] == ["A", "B", "C"]
    assert len(check_read(tmp_path, found, phone=(3,)).list().recordings) == 4 * 3 * 6


def test_columns_of_numbers_without_names_and_a_label_among_them(tmp_path: Path) -> None:
    """As PAMAP2's: time, activity, heart rate at times, and sensors."""
    for subject in range(101, 105):
        heart = np.full(2000, np.nan)
        heart[::10] = 80.0 + np.arange(200) % 7
        columns = [np.arange(2000) / 100 + 8.38, np.repeat([0, 1, 4, 24], 500), heart, *wrist(2000, gravity=9.81).T]
        write_table(tmp_path / "Protocol" / f"subject{subject}.dat", columns, delimiter=" ")
    found = proposal_of(tmp_path)
    (stream,) = streams_of(found).values()
    assert stream["time"] == {"column": 1}
    assert stream["rate"] == 100
    assert stream["missing"] == "interpolate"
    assert found.document["source"]["segments"]["column"] == 2
    assert [question.key for question in found.questions] == ["source.segments.column"]
    assert found.document["source"]["classes"] == ["0", "1", "4", "24"]


@pytest.mark.parametrize(
    ("seconds", "windows", "length"),
    [(1.2, None, 1.2), (4.0, None, 4.0), (40.0, {"seconds": 5}, 5.0)],
)
@pytest.mark.parametrize("by_table", [True, False])
def test_windows_suit_stretches_not_files(
    tmp_path: Path, by_table: bool, seconds: float, windows: dict[str, float] | None, length: float
) -> None:
    labels = ["walk", "sit", "wave"] * 5
    samples = round(seconds * 50)
    for subject in range(1, 5):
        columns: list[Any] = [np.arange(15 * samples) / 50, *wrist(15 * samples).T]
        header = ["time", "ax", "ay", "az"]
        if by_table:
            starts = np.arange(15) * seconds
            table = [starts, starts + seconds, labels]
            write_table(tmp_path / f"P{subject}_labels.csv", table, ("start", "end", "label"))
        else:
            columns.append(np.repeat(labels, samples))
            header.append("label")
        write_table(tmp_path / f"P{subject}_imu.csv", columns, header)
    found = proposal_of(tmp_path)
    segments = found.document["source"]["segments"]
    assert segments.get("windows") == windows
    assert f"usually of {seconds:.3g} s" in found.comments["source.segments"]
    encode = found.document["stages"]["encode"]["imu"]
    aligned = encode["window"] + (encode["patches"] - 1) * encode["stride"]
    assert aligned == pytest.approx(length * 50, rel=0.12)  # nothing is stretched
    assert found.listing.recordings == source_of(tmp_path, found).list().recordings


def test_classes_far_from_a_files_beginning(tmp_path: Path) -> None:
    for subject in (1, 2, 3):
        labels = np.repeat(["null", "walk", "null", "sit"], [9000, 200, 400, 200])
        columns = [np.arange(9800) / 50, *wrist(9800).T, labels]
        write_table(tmp_path / f"subject{subject}.csv", columns, ("time", "ax", "ay", "az", "label"))
    found = proposal_of(tmp_path)
    assert (found.document["source"]["classes"], found.estimated) == (["sit", "walk"], False)
    assert "windows" not in found.document["source"]["segments"]
    assert next(iter(found.looked.streams.values())).seconds == pytest.approx(196, rel=0.03)  # by its size


def test_windows_are_no_longer_than_many_stretches(tmp_path: Path) -> None:
    write_lengths(tmp_path, [3.0, 30.0, 60.0, 30.0, 2.5, 30.0])
    found = proposal_of(tmp_path)
    assert found.document["source"]["segments"]["windows"] == {"seconds": 2.5}


def test_stretches_that_are_lost_are_told(tmp_path: Path) -> None:
    write_lengths(tmp_path, [1.5, *[30.0] * 11])
    found = proposal_of(tmp_path)
    assert found.document["source"]["segments"]["windows"] == {"seconds": 5}
    assert "3 of 36 stretches are shorter, and left out" in found.comments["source.segments.windows"]


def write_lengths(root: Path, lengths: list[float]) -> None:
    """Three files whose stretches follow each other."""
    ends = np.cumsum(lengths)
    for subject in (1, 2, 3):
        samples = int(ends[-1] * 20)
        write_table(root / f"P{subject}_imu.csv", [np.arange(samples) / 20, *wrist(samples).T], ("t", "ax", "ay", "az"))
        labels = [("walk", "sit")[number % 2] for number in range(len(lengths))]
        write_table(root / f"P{subject}_labels.csv", [ends - lengths, ends, labels], ("start", "end", "label"))


STRETCHES = [(1.0, 9.5, "walk"), (12.0, 20.0, "run"), (30.0, 41.0, "sit")]


def write_imu(root: Path, name: str) -> None:
    write_table(root / name, [np.arange(2500) / 50, *wrist(2500).T], ("t", "ax", "ay", "az"))


@pytest.mark.parametrize("subjects", [("P01", "P02", "P03"), ("1", "2", "3"), ("P1", "P2", "P3")])
def test_one_table_of_stretches_calls_subjects_as_it_likes(tmp_path: Path, subjects: tuple[str, ...]) -> None:
    for number in (1, 2, 3):
        write_imu(tmp_path, f"P0{number}.csv")
    rows = [(subject, *stretch) for subject in subjects for stretch in STRETCHES]
    write_table(tmp_path / "annotations.csv", [*zip(*rows, strict=True)], ("subject", "start", "end", "label"))
    if subjects[0] == "P1":  # which is neither 1 nor P01
        with pytest.raises(
            ConfigError, match=r"annotations.csv: is of no file's subject: tables have P1, P2, P3, .* 1, 2"
        ):
            proposal_of(tmp_path)
        return
    found = proposal_of(tmp_path)
    listed = source_of(tmp_path, found).list()
    assert {each.subject for each in listed.recordings} == {*subjects}
    assert (len(listed.recordings), listed.unparsed) == (9, ())


@pytest.mark.parametrize("tables", [("anna", "ben", "carl"), ("1", "2", "3")])
def test_tables_of_stretches_in_a_folder_of_their_own(tmp_path: Path, tables: tuple[str, ...]) -> None:
    for name, table in zip(("anna", "ben", "carl"), tables, strict=True):
        write_imu(tmp_path, f"imu/{name}.csv")
        write_table(tmp_path / "labels" / f"{table}.csv", [*zip(*STRETCHES, strict=True)], ("start", "end", "label"))
    if tables[0] == "1":
        with pytest.raises(
            ConfigError, match=r"labels/1.csv: is of no file's subject: tables have 1, 2, 3, .* anna, ben"
        ):
            proposal_of(tmp_path)
        return
    found = proposal_of(tmp_path)
    assert found.document["source"]["segments"] == {"files": "labels/{subject}.csv"}
    assert len(source_of(tmp_path, found).list().recordings) == 9


def write_people(path: Path, people: Sequence[str], who: str, samples: int = 100, *, mixed: bool = False) -> None:
    """Write a table of people who walk, then sit, one under the other or mixed."""
    subjects, labels = np.repeat(people, 2 * samples), np.tile(np.repeat(["walk", "sit"], samples), len(people))
    times = np.tile(np.arange(2 * samples) / 50, len(people))
    order = np.argsort(times, kind="stable") if mixed else np.arange(len(times))
    columns = [each[order] for each in (times, *wrist(len(times)).T, subjects, labels)]
    write_table(path, columns, ("t", "ax", "ay", "az", who, "activity"))


@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize(
    ("files", "pattern"), [(["all.csv"], "all.csv"), (["mon.csv", "tue.csv"], "{session}.csv"),
                           (["s1/t1.csv", "s1/t2.csv", "s2/t1.csv"], "s{file}/t{session}.csv")]
)  # fmt: skip
def test_people_in_a_column_of_files(tmp_path: Path, files: Sequence[str], pattern: str, mixed: bool) -> None:
    for file in files:
        write_people(tmp_path / file, ["anna", "ben", "carl"], "participant_id", mixed=mixed)
    found = proposal_of(tmp_path)
    (stream,) = streams_of(found).values()
    assert (stream["files"], stream["rate"]) == (pattern, 50)
    assert found.document["source"]["segments"] == {"columns": {"subject": "participant_id", "label": "activity"}}
    assert (found.questions, found.notes, found.document["protocol"]) == ([], [], "loso")
    assert len(found.listing.recordings) == 3 * 2 * len(files)
    assert found.listing.recordings == check_read(tmp_path, found, accelerometer=(3,)).list().recordings


def test_people_in_a_column_and_the_label_in_the_name(tmp_path: Path) -> None:
    for label in ("walk", "run"):
        columns = [np.tile(np.arange(100) / 50, 3), *wrist(300).T, np.repeat(["anna", "ben", "carl"], 100)]
        write_table(tmp_path / f"{label}.csv", columns, ("t", "ax", "ay", "az", "subject"))
    found = proposal_of(tmp_path)
    assert found.document["source"]["segments"] == {"columns": {"subject": "subject"}}
    assert streams_of(found)["accelerometer"]["files"] == "{label}.csv"
    assert len(found.listing.recordings) == 6
    assert found.listing.recordings == source_of(tmp_path, found).list().recordings


def test_people_in_a_column_of_one_stream_of_two_are_pointed_at(tmp_path: Path) -> None:
    for label in ("walk", "run"):
        write_table(tmp_path / "gyro" / f"P1_{label}.csv", [np.arange(100) / 50, *turning(100, 90).T], ("t", *"xyz"))
        write_people(tmp_path / "acc" / f"P1_{label}.csv", ["anna", "ben"], "user")
    found = proposal_of(tmp_path)
    assert any("several people each, by their column user" in note for note in found.notes)


def test_what_the_user_says_of_segments_goes_before_what_excludes_it(tmp_path: Path) -> None:
    for subject in (1, 2):
        columns = [np.arange(200) / 50, *wrist(200).T, np.repeat(["walk", "sit"], 100), np.repeat(["a", "b"], 100)]
        write_table(tmp_path / f"P{subject}.csv", columns, ("t", "ax", "ay", "az", "activity", "part"))
    said = {"session": "part", "label": "activity"}
    segments = proposal_of(tmp_path, source__segments__columns=said).document["source"]["segments"]
    assert segments == {"columns": said, "stream": "accelerometer"}
    write_people(tmp_path / "P1.csv", ["anna", "ben"], "user")
    write_people(tmp_path / "P2.csv", ["anna", "ben"], "user")
    segments = proposal_of(tmp_path, source__segments__column="activity").document["source"]["segments"]
    assert segments == {"columns": {"subject": "user"}, "column": "activity"}
