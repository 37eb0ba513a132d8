"""Folders as people have them: what `init` makes of each, and that the source reads what it describes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.init.looked import look_at
from pipeline.init.proposal import Proposal, propose
from pipeline.sources.folder.params import Params
from pipeline.sources.folder.source import Folder

from .folders import CLASSES, body, turning, wrist, write_json, write_table, write_video, write_watch


def proposal_of(root: Path, **settings: Any) -> Proposal:
    return propose(look_at(root), [(key.replace("__", "."), value) for key, value in settings.items()])


def source_of(root: Path, proposal: Proposal) -> Folder:
    described = {key: value for key, value in proposal.document["source"].items() if key not in ("name", "times")}
    return Folder(root, msgspec.convert({"root": str(root), **described}, Params))


def streams_of(proposal: Proposal) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = proposal.document["source"]["streams"]
    return found


def check_read(root: Path, proposal: Proposal, **shapes: tuple[int, ...]) -> Folder:
    """Read a recording of each stream by the source, and check the shape of one sample, or its last axes."""
    source = source_of(root, proposal)
    for stream, shape in shapes.items():
        name = stream.replace("_", "-")
        recording = next(each for each in source.list().recordings if name in each.streams)
        assert source.probe(recording, name).shape[-len(shape) :] == shape
    return source


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
    assert found.document["modalities"] != []
    assert found.document["protocol"] == "subject-50-50"


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


def test_one_long_file_a_subject_with_a_column_of_labels(tmp_path: Path) -> None:
    for subject in range(1, 5):
        labels = np.repeat(["null", "walk", "run", "sit"], 500)
        columns = [np.arange(2000) / 50, *wrist(2000).T, *turning(2000, 200).T, labels]
        header = ("time", "acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z", "activity")
        write_table(tmp_path / f"subject{subject}.csv", columns, header)
    found = proposal_of(tmp_path)
    source = found.document["source"]
    assert source["streams"]["inertial"]["units"] == ["g", "g", "g", "deg/s", "deg/s", "deg/s"]
    assert source["segments"] == {"column": "activity", "stream": "inertial", "windows": {"seconds": 5.0}}
    assert (source["classes"], source["labels"]) == (["run", "sit", "walk"], {"null": None})
    assert found.estimated
    listing = check_read(tmp_path, found, inertial=(6,)).list()
    assert len(listing.recordings) == 4 * 3 * 2


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


@pytest.mark.parametrize("layout", ["kinect20", "utd-mhad", "kinect25", "body25", "coco17", "blazepose33", "azure32"])
@pytest.mark.parametrize(("up", "metre"), [("y", 1.0), ("-y", 1000.0), ("z", 100.0)])
def test_geometry_decides_on_a_skeletons_layout(tmp_path: Path, layout: str, up: str, metre: float) -> None:
    rng = np.random.default_rng(0)
    for subject in range(1, 4):
        for label in ("walk", "wave"):
            values = body(layout, int(rng.integers(20, 40)), up=up, metre=metre)
            np.save(tmp_path / f"s{subject}_{label}.npy", values)
    found = proposal_of(tmp_path)
    stream = streams_of(found)["skeleton"]
    assert stream["joints"] == layout
    assert stream["units"] == {1.0: "m", 1000.0: "mm", 100.0: "cm"}[metre]
    usual = "y" if layout in ("kinect20", "utd-mhad", "kinect25") else "-y"
    assert stream.get("up", usual) == up
    assert found.questions == []


def test_joints_in_no_known_order_are_asked_for(tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(20)
    for subject in range(1, 4):
        for label in ("walk", "wave"):
            np.save(tmp_path / f"s{subject}_{label}_skeleton.npy", body("kinect20", 20 + subject)[:, order])
    found = proposal_of(tmp_path)
    (question,) = found.questions
    assert question.key == "source.streams.skeleton.joints"
    assert {value for value, _ in question.choices} == {"kinect20", "utd-mhad"}
    assert (
        found.document["stages"]["encode"]["skeleton"] | {"centre": "none", "scale": "none"}
        == (found.document["stages"]["encode"]["skeleton"])
    )
    decided = proposal_of(tmp_path, source__streams__skeleton__joints="kinect20")
    assert decided.questions == []
    assert streams_of(decided)["skeleton"]["joints"] == "kinect20"
    assert "centre" not in decided.document["stages"]["encode"]["skeleton"]


def test_skeletons_as_flat_columns(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "wave"):
            values = body("kinect25", 25, seed=subject).reshape(25, 75)
            write_table(tmp_path / f"skel_s{subject}_{label}.txt", values.T, delimiter=" ")
    stream = streams_of(proposal_of(tmp_path))["skel"]
    assert (stream["kind"], stream["joints"], stream["units"]) == ("skeleton", "kinect25", "m")


def test_joints_whose_columns_have_names(tmp_path: Path) -> None:
    from pipeline.sources.skeletons import layout

    joints = layout("blazepose33").joints
    header = ["frame", *(f"{joint}_{axis}" for joint in joints for axis in ("x", "y", "z", "visibility"))]
    for subject in range(1, 4):
        for label in ("walk", "wave"):
            values = np.concatenate([body("blazepose33", 25), np.ones((25, 33, 1))], axis=2).reshape(25, 132)
            write_table(tmp_path / "pose" / f"s{subject}_{label}.csv", [range(25), *values.T], header)
    found = proposal_of(tmp_path)
    stream = streams_of(found)["pose"]
    assert (stream["kind"], stream["joints"], len(stream["columns"])) == ("skeleton", "blazepose33", 99)
    assert stream["columns"][:4] == ["nose_x", "nose_y", "nose_z", "left_eye_inner_x"]
    check_read(tmp_path, found, pose=(3,))


def test_openpose_writes_a_file_a_frame(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "wave"):
            for number, frame in enumerate(body("body25", 12, up="-y", metre=300)):
                flat = np.concatenate([frame[:, :2], np.ones((25, 1))], axis=1).ravel().tolist()
                name = f"s{subject}_{label}_{number:012d}_keypoints.json"
                write_json(tmp_path / f"s{subject}" / name, {"people": [{"pose_keypoints_2d": flat}]})
    found = proposal_of(tmp_path)
    (stream,) = streams_of(found).values()
    assert stream["files"] == "s{subject}/s{subject}_{label}_{part}_keypoints.json"
    assert stream["joints"] == "body25"
    assert len(found.listing.recordings) == 6
    assert all(len(files) == 12 for each in found.listing.recordings for files in each.streams.values())


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


def test_tables_without_names_with_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "run"):
            columns = [[f"{each:.4f}".replace(".", ",") for each in column] for column in wrist(60, gravity=1000.0).T]
            write_table(tmp_path / f"s{subject}_{label}.csv", columns, delimiter=";")
    found = proposal_of(tmp_path)
    (stream,) = streams_of(found).values()
    assert stream["units"] == "mg"
    assert "assumed" in found.comments["source.streams.accelerometer.rate"]
    series = source_of(tmp_path, found)
    values = series.open_series(series.list().recordings[0], "accelerometer").values
    assert np.median(np.linalg.norm(values, axis=1)) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("format", ["iso8601", "%Y%m%d_%H:%M:%S.%f", "%d.%m.%Y %H:%M:%S.%f"])
def test_times_that_are_dates(tmp_path: Path, format: str) -> None:
    start = datetime(2024, 3, 5, 14, 0, 1, tzinfo=UTC)
    for subject in range(1, 4):
        for label in ("walk", "run"):
            moments = [start + timedelta(milliseconds=10 * at) for at in range(150)]
            times = [
                m.isoformat(timespec="microseconds") if format == "iso8601" else m.strftime(format) for m in moments
            ]
            write_table(tmp_path / f"s{subject}_{label}.csv", [times, *wrist(150).T])
    found = proposal_of(tmp_path)
    (stream,) = streams_of(found).values()
    assert stream["time"] == (
        {"column": 1, "unit": "iso8601"} if format == "iso8601" else {"column": 1, "format": format}
    )
    assert stream["rate"] == 100
    check_read(tmp_path, found, accelerometer=(3,))


def test_units_that_magnitude_does_not_tell_are_asked_for(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "run"):
            header = ("time", "gyro_x", "gyro_y", "gyro_z")
            write_table(tmp_path / f"s{subject}_{label}.csv", [np.arange(60) / 50, *turning(60, 4.0).T], header)
    found = proposal_of(tmp_path)
    (question,) = found.questions
    assert question.key == "source.streams.gyroscope.units"
    assert {value for value, _ in question.choices} == {"rad/s", "deg/s", "raw"}
    assert streams_of(found)["gyroscope"]["units"] == "raw"
    assert (
        "4" in found.comments["source.streams.gyroscope.units"]
        or "rad/s" in found.comments["source.streams.gyroscope.units"]
    )
    decided = proposal_of(tmp_path, source__streams__gyroscope__units="rad/s")
    assert (decided.questions, streams_of(decided)["gyroscope"]["units"]) == ([], "rad/s")


def test_units_that_names_of_columns_say(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "run"):
            header = (
                "t [ms]",
                "Acc X (m/s^2)",
                "Acc Y (m/s^2)",
                "Acc Z (m/s^2)",
                "Gyro X (rad/s)",
                "Gyro Y (rad/s)",
                "Gyro Z (rad/s)",
            )
            columns = [np.arange(60) * 10, *(0.1 * wrist(60)).T, *turning(60, 4.0).T]
            write_table(tmp_path / f"s{subject}_{label}.csv", columns, header)
    found = proposal_of(tmp_path)
    assert streams_of(found)["inertial"]["units"] == ["m/s2"] * 3 + ["rad/s"] * 3
    assert streams_of(found)["inertial"]["rate"] == 100
    assert found.questions == []


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


def test_one_subject_alone(tmp_path: Path) -> None:
    for label in ("walk", "run", "sit"):
        for trial in range(6):
            write_table(tmp_path / f"s01_{label}_{trial}.csv", [np.arange(60) / 50, *wrist(60).T], ("t", "x", "y", "z"))
    found = proposal_of(tmp_path)
    assert streams_of(found)["accelerometer"]["files"] == "s{subject}_{label}_{session}.csv"
    assert {each.subject for each in found.listing.recordings} == {"1"}
    assert found.document["protocol"] == "random"
    assert "1 subject" in found.comments["protocol"]


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


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    for subject in range(1, 4):
        for label in ("walk", "run"):
            values = wrist(60)
            columns = {"time": np.arange(60) / 50, **{f"a{axis}": values[:, at] for at, axis in enumerate("xyz")}}
            parquet.write_table(pa.table(columns), tmp_path / f"s{subject}_{label}.parquet")
    found = proposal_of(tmp_path)
    stream = streams_of(found)["accelerometer"]
    assert (stream["units"], stream["rate"], stream["time"]) == ("g", 50, {"column": "time"})
    check_read(tmp_path, found, accelerometer=(3,))


def test_a_folder_without_anything(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing yet")
    with pytest.raises(ConfigError, match="holds no files of data\n  init knows tables"):
        proposal_of(tmp_path)
    with pytest.raises(ConfigError, match="there is no such folder"):
        proposal_of(tmp_path / "nowhere")


def test_names_that_do_not_say_what_is_done(tmp_path: Path) -> None:
    for subject in range(1, 4):
        write_table(tmp_path / f"subject{subject}.csv", [np.arange(60) / 50, *wrist(60).T], ("t", "x", "y", "z"))
    with pytest.raises(ConfigError, match=r"no part that says what is done .*\n  write \{label\}"):
        proposal_of(tmp_path)


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


def test_both_units_are_asked_for_where_neither_is_told(tmp_path: Path) -> None:
    for subject in range(1, 4):
        for label in ("walk", "run"):
            header = ("time", "linear_acc_x", "linear_acc_y", "linear_acc_z", "gyro_x", "gyro_y", "gyro_z")
            columns = [np.arange(60) / 50, *(0.2 * wrist(60)).T, *turning(60, 4.0).T]
            write_table(tmp_path / f"s{subject}_{label}.csv", columns, header)
    (question,) = proposal_of(tmp_path).questions
    assert ["m/s2"] * 3 + ["rad/s"] * 3 in [value for value, _ in question.choices]


def test_long_files_without_names_of_columns(tmp_path: Path) -> None:
    """As WISDM's: subject, label, time in ns since the phone was started, x, y, z; lines end in a semicolon."""
    for subject in range(1600, 1604):
        labels = np.repeat(["A", "B", "C"], 400)
        times = 252_207_666_810_782 + np.arange(1200) * 50_000_000
        columns = [[subject] * 1200, labels, times, *wrist(1200, gravity=9.81).T]
        path = tmp_path / "phone" / f"data_{subject}_accel_phone.txt"
        write_table(path, columns)
        path.write_text(path.read_text().replace("\n", ";\n"))
    found = proposal_of(tmp_path)
    stream = streams_of(found)["phone"]
    assert stream["time"] == {"column": 3, "unit": "ns"}
    assert (stream["rate"], stream["units"], stream["columns"]) == (20, "m/s2", [4, 5, 6])
    assert found.document["source"]["segments"] == {"column": 2, "stream": "phone", "windows": {"seconds": 5.0}}
    assert found.document["source"]["classes"] == ["A", "B", "C"]
    assert len(check_read(tmp_path, found, phone=(3,)).list().recordings) == 4 * 3 * 4


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
