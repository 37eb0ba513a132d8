"""Tables with a line for each recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ConfigError

from .folders import CLASSES, wrist, write_table, write_video
from .proposals import proposal_of, source_of, streams_of

STRETCHES = ((0, "gähnen"), (6, "gehen"), (1, "sitzen"))


def test_a_table_of_recordings_has_paths(tmp_path: Path) -> None:
    rows = []
    for number in range(12):
        write_table(tmp_path / "data" / f"{number:04d}.csv", [np.arange(60) / 50, *wrist(60).T], ("t", "x", "y", "z"))
        write_video(tmp_path / "clips" / f"c{number}.mp4", frames=6)
        label = CLASSES[number % 3]
        rows.append((f"data/{number:04d}.csv", f"clips/c{number}.mp4", f"p{number // 3}", label, "home"))
    header = ("watch_file", "video", "participant", "activity", "place")
    write_table(tmp_path / "recordings.csv", [*zip(*rows, strict=True)], header)
    found = proposal_of(tmp_path)
    source = found.document["source"]
    assert source["table"] == {
        "file": "recordings.csv",
        "columns": {"subject": "participant", "label": "activity", "watch": "watch_file"},
    }
    assert {*source["streams"]} == {"watch", "video"}
    assert "files" not in source["streams"]["watch"]
    assert len(found.listing.recordings) == 12
    assert found.listing.recordings[0].columns["place"] == "home"
    assert found.document["protocol"] == "loso"


def test_a_table_of_recordings_has_ids(tmp_path: Path) -> None:
    numbers = range(100, 112)
    for number in numbers:
        write_table(tmp_path / "imu" / f"rec_{number}.csv", [np.arange(60) / 50, *wrist(60).T], ("t", "x", "y", "z"))
    labels, subjects = [CLASSES[n % 3] for n in numbers], [n // 3 for n in numbers]
    write_table(tmp_path / "metadata.csv", [numbers, subjects, labels], ("id", "subject", "label"))
    found = proposal_of(tmp_path)
    assert found.document["source"]["table"] == "metadata.csv"
    assert streams_of(found)["imu"]["files"] == "imu/rec_{id}.csv"
    assert len(found.listing.recordings) == 12


def test_a_table_without_subjects_says_what_is_missing(tmp_path: Path) -> None:
    for number in range(4):
        write_video(tmp_path / f"{number}.mp4", frames=4)
    names = [f"{number}.mp4" for number in range(4)]
    write_table(tmp_path / "metadata.csv", [names, ["a", "b", "a", "b"]], ("file_name", "label"))
    with pytest.raises(ConfigError, match=r"metadata.csv: has no column that says who .*\n  add a column `subject`"):
        proposal_of(tmp_path)


@pytest.mark.parametrize("stretches", [True, False])
def test_a_table_that_is_not_utf_8(tmp_path: Path, stretches: bool) -> None:
    for number in (1, 2, 3):
        write_table(tmp_path / f"P{number}.csv", [np.arange(600) / 50, *wrist(600).T], ("t", "ax", "ay", "az"))
    if stretches:
        rows = [(str(number), start, start + 5, label) for number in (1, 2, 3) for start, label in STRETCHES]
        header: tuple[str, ...] = ("subject", "start", "end", "label")
    else:
        rows = [(f"P{number}.csv", "ann", label, number) for number, (_, label) in enumerate(STRETCHES, 1)]
        header = ("imu", "subject", "label", "id")
    write_table(tmp_path / "table.csv", [*zip(*rows, strict=True)], header)
    text = (tmp_path / "table.csv").read_text()
    (tmp_path / "table.csv").write_bytes(text.encode("cp1252"))
    found = proposal_of(tmp_path)
    source = found.document["source"]
    assert source["segments" if stretches else "table"]["csv"] == {"encoding": "cp1252"}
    assert {*source["classes"]} == {"gähnen", "gehen", "sitzen"}
    assert {each.action for each in source_of(tmp_path, found).list().recordings} == {*source["classes"]}


@pytest.mark.parametrize("column", [None, "id", "session"])
def test_lines_that_differ_by_their_paths_alone(tmp_path: Path, column: str | None) -> None:
    for number in range(12):
        write_table(tmp_path / "data" / f"{number}.csv", [np.arange(60) / 50, *wrist(60).T], ("t", "x", "y", "z"))
    rows = [(f"data/{n}.csv", f"p{n // 6}", CLASSES[n // 2 % 3], *([f"r{n}"] if column else [])) for n in range(12)]
    header = ("watch_file", "participant", "activity", *([column] if column else []))
    write_table(tmp_path / "recordings.csv", [*zip(*rows, strict=True)], header)
    if column is None:
        said = r"recordings.csv: has several lines that differ by their paths alone: p0, walk\n  add a column `id`"
        with pytest.raises(ConfigError, match=said):
            proposal_of(tmp_path)
        return
    assert len(proposal_of(tmp_path).listing.recordings) == 12
