"""Folders that are not what `init` hopes for: each ends in a message with a remedy, or in what can be used of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.init.write import write_new

from .folders import wrist, write_table, write_video
from .proposals import proposal_of, source_of, streams_of

HEADER = ("time", "ax", "ay", "az")


def write_trials(root: Path, names: str, rates: tuple[int, ...] = (50,)) -> list[Path]:
    """Three subjects, three classes, two sessions; rates in turn."""
    paths = []
    for subject in ("1", "2", "3"):
        for label in ("walk", "sit", "wave"):
            for session in (1, 2):
                rate = rates[len(paths) % len(rates)]
                path = root / names.format(subject=subject, label=label, session=session)
                write_table(path, [np.arange(3 * rate) / rate, *wrist(3 * rate, rate).T], HEADER)
                paths.append(path)
    return paths


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4")
    with pytest.raises(ConfigError, match=rf"clip.mp4: is a file\n  give the folder .* pipeline init {tmp_path}$"):
        proposal_of(tmp_path / "clip.mp4")


def test_one_file_alone(tmp_path: Path) -> None:
    write_table(tmp_path / "P01_walk_1.csv", [np.arange(60) / 50, *wrist(60).T], HEADER)
    with pytest.raises(ConfigError, match=r"no part that says what is done .*\(P\{subject\}_walk_1.csv\)\n"):
        proposal_of(tmp_path)


@pytest.mark.parametrize("level", ["", "set 1", "set 1/session"])
def test_any_level_of_folders_will_do(tmp_path: Path, level: str) -> None:
    write_trials(tmp_path, "set 1/session/s{subject}/{label}_{session}.csv")
    found = proposal_of(tmp_path / level)
    assert len(source_of(tmp_path / level, found).list().recordings) == 18
    assert {each.action for each in found.listing.recordings} == {"walk", "sit", "wave"}


def test_blanks_quotes_and_umlauts(tmp_path: Path) -> None:
    write_trials(tmp_path, "Jürgens 'Daten' & mehr/Person {subject}/{label} ({session}).csv")
    found = proposal_of(tmp_path)
    assert found.questions == []
    assert len(source_of(tmp_path, found).list().recordings) == 18


def test_rates_that_differ_are_told(tmp_path: Path) -> None:
    write_trials(tmp_path, "s{subject}_{label}_{session}.csv", rates=(100, 50, 20))
    found = proposal_of(tmp_path)
    assert any("rates differ from file to file: 20 to 100 Hz" in note for note in found.notes)
    assert "20 to 100 Hz" in found.comments["source.streams.accelerometer.rate"]


def _a_word(path: Path) -> None:
    path.with_name(f"{path.stem}_label.txt").write_text("walk\n")


def _a_label_a_sample(path: Path) -> None:
    labels = np.repeat(["walk", "sit"], 75)
    write_table(path.with_name(f"{path.stem}_labels.csv"), [np.arange(150) / 50, labels], ("time", "label"))


@pytest.mark.parametrize("write", [_a_word, _a_label_a_sample])
def test_labels_in_files_beside_the_data_are_no_guess(tmp_path: Path, write: Callable[[Path], None]) -> None:
    for subject in (1, 2, 3):
        for session in range(1, 7):
            path = tmp_path / f"P{subject}_{session}.csv"
            write_table(path, [np.arange(150) / 50, *wrist(150).T], HEADER)
            write(path)
    with pytest.raises(ConfigError, match=r"nothing reads labels from files such as P1_1_label") as raised:
        proposal_of(tmp_path)
    assert "list the recordings in a table" in str(raised.value)
    pattern = "P{subject}_{label}.csv"  # where somebody knows better
    decided = proposal_of(tmp_path, source__streams__accelerometer__files=pattern)
    assert streams_of(decided)["accelerometer"]["files"] == pattern


def test_empty_files_and_a_link_that_leads_around(tmp_path: Path) -> None:
    paths = write_trials(tmp_path, "s{subject}_{label}_{session}.csv")
    paths[0].write_text("")
    paths[7].write_text(",".join(HEADER) + "\n")
    (tmp_path / "round").symlink_to(tmp_path)
    found = proposal_of(tmp_path)
    assert streams_of(found)["accelerometer"]["files"] == "s{subject}_{label}_{session}.csv"
    assert len(found.listing.recordings) == 18


def test_names_that_are_not_utf_8_or_have_line_ends(tmp_path: Path) -> None:
    write_trials(tmp_path, "s{subject}_{label}_{session}.csv")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/s4_\xff_1.csv")).write_text("t,x\n1,2\n")
    (tmp_path / "s4_walk\n_1.csv").write_text("t,x\n1,2\n")
    found = proposal_of(tmp_path)
    assert any("is not UTF-8: rename it" in each.reason for each in found.listing.unparsed)


def test_json_that_is_no_skeleton_is_told(tmp_path: Path) -> None:
    for path in write_trials(tmp_path, "s{subject}_{label}_{session}.csv"):
        path.with_suffix(".json").write_text(json.dumps({"temperature": 20}))
    found = proposal_of(tmp_path)
    assert [*streams_of(found)] == ["accelerometer"]
    assert any(note.startswith("s1_sit_1.json: left out: ") for note in found.notes)


def _damaged(path: Path) -> None:
    head, _, rest = path.read_bytes().partition(b"\n")
    path.write_bytes(head + b"\n" + rest[: len(rest) // 2] + b"\0" * 400)


def _without_the_labels(path: Path) -> None:
    path.write_text("\n".join(line.rpartition(",")[0] for line in path.read_text().splitlines()))


def write_labelled(root: Path) -> None:
    """Eight subjects, a long file each, with a column of labels."""
    for subject in range(1, 9):
        labels = np.repeat(["walk", "run", "sit"], 100)
        write_table(root / f"subject{subject}.csv", [np.arange(300) / 50, *wrist(300).T, labels], (*HEADER, "activity"))


@pytest.mark.parametrize("spoil", [_damaged, _without_the_labels])
def test_one_broken_file_among_files_with_labels(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    write_labelled(tmp_path)
    spoil(tmp_path / "subject4.csv")
    found = proposal_of(tmp_path)
    assert found.document["source"]["segments"] == {"column": "activity", "stream": "accelerometer"}
    listing = source_of(tmp_path, found).list()
    assert {each.subject for each in listing.recordings} == {*"1235678"}
    assert [each.path for each in listing.unparsed] == ["subject4.csv"]


def test_a_link_to_a_disk_that_is_away_among_files_with_labels(tmp_path: Path) -> None:
    write_labelled(tmp_path)
    (tmp_path / "subject4.csv").unlink()
    (tmp_path / "subject4.csv").symlink_to(tmp_path / "disk/subject4.csv")
    found = proposal_of(tmp_path)
    assert found.document["source"]["segments"] == {"column": "activity", "stream": "accelerometer"}


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """A function that takes away the right to read or write; for the superuser there is no such thing."""
    if os.geteuid() == 0:
        pytest.skip("the superuser may read and write all")
    changed: list[Path] = []
    yield lambda path: (changed.append(path), path.chmod(0o500 if path.is_dir() else 0))[0]
    for path in changed:
        path.chmod(0o700)


def test_files_that_may_not_be_read(tmp_path: Path, locked: Callable[[Path], None]) -> None:
    paths = write_trials(tmp_path, "watch/s{subject}_{label}_{session}.csv")
    write_trials(tmp_path, "phone/s{subject}_{label}_{session}.csv")
    for path in paths:
        locked(path)
    found = proposal_of(tmp_path)
    assert [*streams_of(found)] == ["phone"]
    assert "watch/s1_sit_1.csv: left out: cannot be read: Permission denied" in found.notes
    with pytest.raises(ConfigError, match=r"cannot be read: Permission denied\n  repair it, or describe"):
        proposal_of(tmp_path / "watch")


def test_a_folder_in_which_nothing_may_be_written(tmp_path: Path, locked: Callable[[Path], None]) -> None:
    (tmp_path / "there").mkdir()
    locked(tmp_path / "there")
    with pytest.raises(ConfigError, match="cannot be written: Permission denied\n  name another place"):
        write_new(tmp_path / "there" / "stages.yaml", "", replace=False)
