"""Streams: which files are one's, from a phone and a watch to arrays and pictures; and files that are damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ConfigError

from .folders import CLASSES, body, turning, wrist, write_table, write_video, write_watch
from .proposals import check_read, proposal_of, streams_of


def test_videos_of_a_phone_and_a_watch_with_bursts_and_gaps(tmp_path: Path) -> None:
    for number, (subject, label, trial) in enumerate((s, c, t) for s in range(1, 5) for c in CLASSES for t in (1, 2)):
        write_video(tmp_path / "videos" / f"s{subject:02d}_{label}_{trial}.mp4", seed=number)
        if number:
            write_watch(tmp_path / "watch" / f"subject{subject}" / f"{label}-{trial}.csv", seed=number, gap=2.0)
    found = proposal_of(tmp_path)
    assert found.questions == []
    assert found.document["source"]["classes"] == ["sit_down", "walk", "wave"]
    assert streams_of(found) == {
        "videos": {"files": "videos/s{subject:d}_{label}_{session:d}.mp4", "kind": "video", "rate": 30},
        "watch": {
            "files": "watch/subject{subject}/{label}-{session}.csv",
            "units": "m/s2",
            "rate": 50,
            "time": {"column": "timestamp_ms", "unit": "ms"},
        },
    }
    assert "bursts" in found.comments["source.streams.watch.rate"]
    assert "gaps (up to 2" in found.comments["stages.encode.watch"]
    assert found.document["protocol"] == "loso"
    assert found.document["on_bad_recording"] == "skip"
    assert any("1 of 24 recordings lack one of the modalities, and are skipped" in note for note in found.notes)
    assert "random projections" in found.comments["stages.encode.videos"]
    check_read(tmp_path, found, watch=(3,), videos=(48, 64, 3))


def test_several_devices_in_folders_of_their_own(tmp_path: Path) -> None:
    for group, subjects in (("young", range(1, 5)), ("old", range(21, 25))):
        for subject in subjects:
            for label in range(1, 4):
                name = f"S{subject:02d}A{label:02d}T01.csv"
                for sensor, device, unit in (
                    ("accelerometer", "watch", 9.81),
                    ("accelerometer", "phone", 9.81),
                    ("gyroscope", "watch", 0),
                ):
                    values = wrist(90, gravity=unit) if unit else turning(90, 300.0)
                    write_table(tmp_path / group / sensor / device / name, [np.arange(90) * 20, *values.T])
                if group == "young":
                    path = tmp_path / group / "skeleton" / "kinect" / name
                    write_table(path, body("azure32", 30, metre=1000.0).reshape(30, 96).T)
    found = proposal_of(tmp_path)
    streams = streams_of(found)
    assert {*streams} == {"accelerometer-watch", "accelerometer-phone", "gyroscope-watch", "skeleton"}
    watch = streams["accelerometer-watch"]
    assert watch["files"] == "{group}/accelerometer/watch/S{subject}A{label}T01.csv"
    assert (watch["units"], watch["rate"], watch["time"]) == ("m/s2", 50, {"column": 1, "unit": "ms"})
    assert streams["gyroscope-watch"]["units"] == "deg/s"
    skeleton = streams["skeleton"]
    assert (skeleton["joints"], skeleton["units"], skeleton["up"]) == ("azure32", "mm", "y")
    assert {*found.document["modalities"]} == {*streams}
    assert found.document["protocol"] == "loso"  # of the four who have all
    assert "there is no skeleton of subjects 21, 22, 23, 24" in found.notes


def test_accelerometer_and_gyroscope_in_files_of_their_own(tmp_path: Path) -> None:
    for subject in (1, 2, 3):
        for label in ("walk", "run"):
            header = ("time_ns", "x", "y", "z")
            times = 1_700_000_000_000_000_000 + np.arange(80) * 10_000_000
            write_table(tmp_path / f"user{subject}_{label}_acc.csv", [times, *wrist(80).T], header)
            write_table(tmp_path / f"user{subject}_{label}_gyro.csv", [times, *turning(80, 400.0).T], header)
    streams = streams_of(proposal_of(tmp_path))
    assert {*streams} == {"acc", "gyro"}
    assert streams["acc"]["files"] == "user{subject}_{label}_acc.csv"
    assert (streams["acc"]["units"], streams["gyro"]["units"]) == ("g", "deg/s")
    assert streams["acc"]["time"] == {"column": "time_ns", "unit": "ns"}
    assert streams["acc"]["rate"] == 100


def test_folders_of_an_app_that_logs_sensors(tmp_path: Path) -> None:
    for subject in ("anna", "ben", "carl"):
        for label in ("walk", "run"):
            folder = tmp_path / subject / f"{label}-2024-05-01_10-00-0{len(subject)}"
            for sensor in ("Accelerometer", "Gyroscope", "TotalAcceleration"):
                values = turning(80, 300.0) if sensor == "Gyroscope" else wrist(80)
                columns = [np.arange(80) / 50, *values.T]
                write_table(folder / f"{sensor}.csv", columns, ("seconds_elapsed", "z", "y", "x"))
            write_table(folder / "Metadata.csv", [["1.2"], ["phone"]], ("version", "device"))
            write_table(folder / "Annotation.csv", [[0.5], ["ok"]], ("seconds_elapsed", "text"))
    found = proposal_of(tmp_path)
    assert {*streams_of(found)} == {"accelerometer", "gyroscope", "totalacceleration"}
    assert {each.subject for each in found.listing.recordings} == {"anna", "ben", "carl"}
    assert len(found.document["source"]["ignore"]) == 2
    assert found.listing.unparsed == ()
    assert sum("left out" in note for note in found.notes) == 2


def test_several_arrays_in_one_file(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "run"):
            samples = 80 + 10 * subject
            arrays = {"acc": wrist(samples), "gyro": turning(samples, 300.0), "time": np.arange(samples) / 50}
            np.savez(tmp_path / f"s{subject}_{label}.npz", **arrays)
    found = proposal_of(tmp_path)
    streams = streams_of(found)
    assert {name: stream["key"] for name, stream in streams.items()} == {"acc": "acc", "gyro": "gyro"}
    assert (streams["acc"]["units"], streams["gyro"]["units"]) == ("g", "deg/s")
    assert streams["acc"]["time"] == {"column": "time"}
    check_read(tmp_path, found, acc=(3,), gyro=(3,))


def test_pictures_in_folders(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "wave"):
            for number in range(8):
                path = tmp_path / f"subj{subject:02d}" / label / f"img_{number:05d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"")
    found = proposal_of(tmp_path)
    (stream,) = streams_of(found).values()
    assert stream["files"] == "subj{subject}/{label}/img_{part}.png"
    assert stream["kind"] == "video"
    assert len(found.listing.recordings) == 6


def test_a_folder_without_anything(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing yet")
    with pytest.raises(ConfigError, match="holds no files of data\n  init knows tables"):
        proposal_of(tmp_path)
    with pytest.raises(ConfigError, match="there is no such folder"):
        proposal_of(tmp_path / "nowhere")


@pytest.mark.parametrize("end", ["csv", "txt", "parquet", "xlsx", "npy", "npz", "mat", "h5", "json", "mp4", "avi"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\0\1\2\xff" * 300, b"one\n", b"{}", b"[]", b"1,2,3\n", b"a,b\n" * 9, "Überschrift\n".encode("latin-1")],
)
def test_files_that_are_damaged_or_something_else(tmp_path: Path, end: str, content: bytes) -> None:
    for subject in range(1, 4):
        for label in ("walk", "run"):
            (tmp_path / f"s{subject}_{label}.{end}").write_bytes(content)
    with pytest.raises(ConfigError, match=rf"s1_run.{end}: .*\n  repair it, or describe"):
        proposal_of(tmp_path)
