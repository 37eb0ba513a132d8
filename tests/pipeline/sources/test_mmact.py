"""The MMAct reader: what it lists and reads, on files with every quirk that is known of the dataset's releases."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.base import Recording, Series, Unparsed
from pipeline.sources.mmact import sensor_csv
from pipeline.sources.mmact.layout import CLASSES, MODALITIES
from pipeline.sources.mmact.source import Mmact, Params

from .mmact_files import CLIP, SENSORS, clock, line, stamp, write_lines, write_mp4, write_sensor

VALUES = np.arange(12.0).reshape(4, 3)
TIMES = [0.0, 0.01, 0.02, 0.03]
SCENE_3 = {
    "drinking", "pocket_in", "pocket_out", "sitting", "sitting_down", "standing_up", "using_pc", "using_phone",
    "talking_on_phone",
}  # fmt: skip


def reader(root: Path, views: Any = (1,)) -> Mmact:
    return Mmact(root, msgspec.convert({"root": str(root), "views": views}, Params))


def read(root: Path, lines: list[str], *, end: str = "\r\n", folder: str = "acc_phone_clip") -> Series:
    """Write one sensor's file, list the source, and open the file through it."""
    write_lines(root, folder, lines, end=end)
    source = reader(root)
    (row,) = source.list().recordings
    (stream,) = row.streams
    return source.open_series(row, stream)


def open_whole(source: Mmact, row: Recording, stream: str) -> None:
    if stream != "rgb":
        source.open_series(row, stream)
        return
    with source.open_video(row, stream) as video:
        list(video.frames())


def refused(root: Path, stream: str, row: Recording | None = None) -> BadRecording:
    """What probing and opening say of a broken stream; they agree."""
    source = reader(root)
    row = row or source.list().recordings[0]
    with pytest.raises(BadRecording) as probed:
        source.probe(row, stream)
    with pytest.raises(BadRecording) as opened:
        open_whole(source, row, stream)
    assert str(probed.value) == str(opened.value)
    assert (probed.value.recording, probed.value.stream) == (row.id, stream)
    print(probed.value)
    return probed.value


def good() -> list[str]:
    return [line(stamp(t), row) for t, row in zip(TIMES, VALUES, strict=True)]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """One clip with all sensors, seen by cameras 1 to 4."""
    root = tmp_path / "mmact"
    for folder in SENSORS:
        write_sensor(root, folder, TIMES, VALUES)
    for camera in (1, 2, 3, 4):
        write_mp4(root / f"trimmed_acted/subject1/cam{camera}/scene1/session1/carrying.mp4", 5)
    return root


def test_the_label_map_has_35_classes_and_carrying_light_once() -> None:
    assert len(CLASSES) == len({name.lower() for name in CLASSES}) == 35
    assert sum(name.lower() == "carrying_light" for name in CLASSES) == 1
    assert set(CLASSES) > SCENE_3
    assert list(CLASSES) == sorted(CLASSES)


def test_a_recording_joins_the_sensors_and_one_cameras_video(dataset: Path) -> None:
    (row,) = reader(dataset).list().recordings
    assert row.id == "s01_scene1_session1_carrying_cam1"
    assert (row.subject, row.action, row.session, row.scene, row.view) == ("1", "carrying", "1", "1", "1")
    assert row.streams == {
        "rgb": ("trimmed_acted/subject1/cam1/scene1/session1/carrying.mp4",),
        "acc_phone": (f"acc_phone_clip/{CLIP}",),
        "acc_watch": (f"acc_watch_clip/{CLIP}",),
        "gyro": (f"gyro_clip/{CLIP}",),
        "orientation": (f"orientation_clip/{CLIP}",),
    }


def test_inertial_joins_all_sensors() -> None:
    assert MODALITIES["inertial"].streams == ("acc_phone", "acc_watch", "gyro", "orientation")
    assert {name: each.rate for name, each in MODALITIES.items()} == {
        "rgb": 30, "phone": 100, "watch": 100, "gyroscope": 50, "orientation": 50, "inertial": 100,
    }  # fmt: skip


def test_all_views_share_the_sensors(dataset: Path) -> None:
    recordings = reader(dataset, "all").list().recordings
    assert [row.view for row in recordings] == ["1", "2", "3", "4"]
    assert len({row.id for row in recordings}) == 4
    assert len({row.streams["rgb"] for row in recordings}) == 4
    assert len({row.streams["acc_phone"] for row in recordings}) == 1


def test_views_can_be_chosen(dataset: Path) -> None:
    assert [row.view for row in reader(dataset, [4, 2]).list().recordings] == ["2", "4"]


@pytest.mark.parametrize("views", [[1], "all"])
def test_sensors_without_videos_are_listed_once(dataset: Path, views: Any) -> None:
    shutil.rmtree(dataset / "trimmed_acted")
    (row,) = reader(dataset, views).list().recordings
    assert (row.id, row.view) == ("s01_scene1_session1_carrying", None)
    assert set(row.streams) == {"acc_phone", "acc_watch", "gyro", "orientation"}


def test_a_clip_that_the_chosen_camera_missed_keeps_its_sensors(dataset: Path) -> None:
    (dataset / "trimmed_acted/subject1/cam1/scene1/session1/carrying.mp4").unlink()
    (row,) = reader(dataset).list().recordings
    assert row.view is None
    error = refused(dataset, "rgb")
    assert (error.path, error.reason) == ("trimmed_*/subject1/cam*/scene1/session1/carrying.mp4", "file is missing")
    assert [row.view for row in reader(dataset, "all").list().recordings] == ["2", "3", "4"]


@pytest.mark.parametrize("views", [[], [0], ["1"], "none", 1, [1.5]])
def test_wrong_views_are_refused(views: Any) -> None:
    with pytest.raises(msgspec.ValidationError, match="views"):
        msgspec.convert({"root": "x", "views": views}, Params)


def test_views_that_no_clip_has(dataset: Path) -> None:
    for folder in SENSORS:
        shutil.rmtree(dataset / folder)
    with pytest.raises(ConfigError, match=r"source\.views: no clip in .* there are 1, 2, 3, 4, or set it to all"):
        reader(dataset, [7]).list()


def test_trimmed_folders_of_any_name_are_read(dataset: Path) -> None:
    write_mp4(dataset / "trimmed_cross-view/subject2/cam1/scene3/session5/using_pc.mp4", 3)
    write_mp4(dataset / "untrimmed/subject2/cam1/scene3/session5/drinking.mp4", 3)
    ids = [row.id for row in reader(dataset).list().recordings]
    assert ids == ["s01_scene1_session1_carrying_cam1", "s02_scene3_session5_using_pc_cam1"]


def test_scene_3_has_its_own_actions(tmp_path: Path) -> None:
    for action in SCENE_3:
        write_sensor(tmp_path, "acc_phone_clip", TIMES, VALUES, clip=f"subject20/scene3/session5/{action}.csv")
    listing = reader(tmp_path).list()
    assert {row.action for row in listing.recordings} == SCENE_3
    assert {(row.subject, row.scene, row.session) for row in listing.recordings} == {("20", "3", "5")}
    assert listing.unparsed == ()


def test_carrying_light_is_one_action_whatever_its_case(tmp_path: Path) -> None:
    folder = "subject1/scene1/session1"
    write_sensor(tmp_path, "acc_phone_clip", TIMES, VALUES, clip=f"{folder}/Carrying_light.csv")
    write_sensor(tmp_path, "gyro_clip", TIMES, VALUES, clip=f"{folder}/carrying_light.csv")
    write_mp4(tmp_path / "trimmed_x/subject1/cam1/scene1/session1/Carrying_light.mp4", 3)
    (row,) = reader(tmp_path).list().recordings
    assert row.action == "carrying_light"
    assert set(row.streams) == {"rgb", "acc_phone", "gyro"}
    assert reader(tmp_path).probe(row, "acc_phone").length == 4
    assert reader(tmp_path).probe(row, "rgb").length == 3


def test_two_files_of_one_clip_are_reported(dataset: Path) -> None:
    write_mp4(dataset / "trimmed_other/subject1/cam1/scene1/session1/Carrying.mp4", 3)
    listing = reader(dataset).list()
    first = "trimmed_acted/subject1/cam1/scene1/session1/carrying.mp4"
    path = "trimmed_other/subject1/cam1/scene1/session1/Carrying.mp4"
    assert listing.unparsed == (Unparsed("rgb", path, f"names the same recording as {first}"),)
    assert listing.recordings[0].streams["rgb"] == (first,)


def test_names_that_do_not_parse_are_reported(dataset: Path) -> None:
    example = "subject1/scene1/session1/carrying.csv"
    for name in ("subject1/scene1/carrying.csv", "subject1/scene1/session1/dancing.csv", "notes.txt", ".DS_Store"):
        write_lines(dataset, "gyro_clip", [], clip=name)
    listing = reader(dataset).list()
    assert len(listing.recordings) == 1
    assert [(item.path, item.reason) for item in listing.unparsed] == [
        ("gyro_clip/notes.txt", f"not named like {example}"),
        ("gyro_clip/subject1/scene1/carrying.csv", f"not named like {example}"),
        ("gyro_clip/subject1/scene1/session1/dancing.csv", "'dancing' is not one of the 35 actions"),
    ]


def test_a_missing_modality_is_left_out_of_the_recording(dataset: Path) -> None:
    (dataset / "acc_watch_clip" / CLIP).unlink()
    (row,) = reader(dataset).list().recordings
    assert set(row.streams) == {"rgb", "acc_phone", "gyro", "orientation"}
    error = refused(dataset, "acc_watch")
    assert (error.path, error.reason) == (f"acc_watch_clip/{CLIP}", "file is missing")


def test_an_empty_file_is_broken(dataset: Path) -> None:
    write_lines(dataset, "gyro_clip", [])
    error = refused(dataset, "gyro")
    assert (error.path, error.reason) == (f"gyro_clip/{CLIP}", "is empty (0 bytes)")


@pytest.mark.parametrize("lines", [["time,x,y,z"], ["", ""]])
def test_a_file_without_rows_is_broken(dataset: Path, lines: list[str]) -> None:
    write_lines(dataset, "gyro_clip", lines)
    assert refused(dataset, "gyro").reason == "has no rows"


def test_rows_come_as_they_stand_with_their_clock(tmp_path: Path) -> None:
    series = read(tmp_path, good())
    np.testing.assert_array_equal(series.values, VALUES)
    assert series.times is not None
    np.testing.assert_allclose(series.times, clock(TIMES), atol=1e-6, rtol=0)
    assert series.values.dtype == series.times.dtype == np.float64


def test_the_fraction_may_be_missing(tmp_path: Path) -> None:
    lines = [line("20180910_14:21:08.990", VALUES[0]), line("20180910_14:21:09", VALUES[1]), *good()[2:]]
    series = read(tmp_path, lines)
    np.testing.assert_array_equal(series.values, VALUES)
    assert series.times is not None
    np.testing.assert_allclose(series.times, clock([-0.01, 0, 0.02, 0.03]), atol=1e-6, rtol=0)


def test_rows_out_of_order_are_sorted(tmp_path: Path) -> None:
    lines = good()
    series = read(tmp_path, [lines[2], lines[0], lines[3], lines[1]])
    np.testing.assert_array_equal(series.values, VALUES)


def test_doubled_rows_count_once(tmp_path: Path) -> None:
    series = read(tmp_path, [*good(), *good()[1:3]])
    np.testing.assert_array_equal(series.values, VALUES)


def test_of_rows_with_one_time_the_first_is_kept(tmp_path: Path) -> None:
    lines = good()
    series = read(tmp_path, [*lines[:2], line(stamp(0.01), (359.0, 0.0, 0.0)), *lines[2:]])
    np.testing.assert_array_equal(series.values, VALUES)
    assert series.times is not None
    assert (np.diff(series.times) > 0).all()


@pytest.mark.parametrize("header", ["time,x,y,z", "time,azimuth,pitch,roll", '"Time","X","Y","Z"', "time, x, y, z"])
def test_a_header_is_skipped(tmp_path: Path, header: str) -> None:
    np.testing.assert_array_equal(read(tmp_path, [header, *good()]).values, VALUES)


def test_without_a_header_the_first_row_is_kept(tmp_path: Path) -> None:
    assert len(read(tmp_path, good()).values) == 4


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_both_line_ends_and_a_byte_order_mark(tmp_path: Path, end: str, start: str) -> None:
    lines = good()
    np.testing.assert_array_equal(read(tmp_path, [start + lines[0], *lines[1:]], end=end).values, VALUES)


def test_orientation_is_azimuth_pitch_and_roll_as_they_stand(tmp_path: Path) -> None:
    angles = [[359.5, -10.0, 170.0], [0.5, -11.0, -170.0]]  # jumps where angles wrap are kept
    lines = ["time,azimuth,pitch,roll", *(line(stamp(t / 50), row) for t, row in enumerate(angles))]
    np.testing.assert_array_equal(read(tmp_path, lines, folder="orientation_clip").values, angles)


def test_streams_of_a_clip_share_one_clock_over_midnight(tmp_path: Path) -> None:
    late = datetime(2018, 12, 31, 23, 59, 59, 990000)
    write_lines(tmp_path, "acc_phone_clip", [line(stamp(t, late), VALUES[0]) for t in (0.0, 0.02)])
    write_lines(tmp_path, "gyro_clip", [line(stamp(t, late), VALUES[0]) for t in (0.02, 0.04)])
    source = reader(tmp_path)
    (row,) = source.list().recordings
    phone, gyro = (source.open_series(row, stream).times for stream in ("acc_phone", "gyro"))
    assert phone is not None
    assert gyro is not None
    np.testing.assert_allclose([*phone, *gyro] - phone[0], [0, 0.02, 0.02, 0.04], atol=1e-6)
    assert phone[1] == gyro[0]


@pytest.mark.parametrize(
    "wrong",
    [
        "20180910_14:21:09.123,1.0,2.0",
        "20180910_14:21:09.123,1.0,2.0,3.0,4.0",
        "20180910_14:21:09.123,1.0,2.0,",
        "20180910_14:21:09.123,1.0,2.0,x",
        "20181310_14:21:09.123,1.0,2.0,3.0",
        "20180910_24:21:09.123,1.0,2.0,3.0",
        "2018-09-10 14:21:09.123,1.0,2.0,3.0",
        "1536589269.123,1.0,2.0,3.0",
        "20180910_14:2",
        "time,x,y,z",
    ],
)
def test_a_line_that_is_no_row_is_named(dataset: Path, wrong: str) -> None:
    lines = good()
    write_lines(dataset, "acc_phone_clip", [lines[0], wrong, *lines[1:]])
    reason = refused(dataset, "acc_phone").reason
    assert reason.startswith("line 2 is not a time and three numbers")
    assert wrong in reason


@pytest.mark.parametrize("value", ["nan", "NaN", "inf", "-inf"])
def test_not_finite(dataset: Path, value: str) -> None:
    lines = good()
    write_lines(dataset, "acc_phone_clip", [lines[0], f"{stamp(0.01)},1.0,{value},2.0", *lines[2:]])
    assert refused(dataset, "acc_phone").reason == "1 rows hold NaN or infinity (first: row 2)"


def test_other_bytes_than_its_name_says(dataset: Path) -> None:
    (dataset / "gyro_clip" / CLIP).write_bytes(bytes(range(256)) * 20)
    assert refused(dataset, "gyro").reason.startswith("line 1 is not a time and three numbers")


SAMPLES = st.dictionaries(st.integers(0, 10_000), st.tuples(*[st.floats(-500, 500)] * 3), min_size=1, max_size=40)


@given(SAMPLES, st.randoms(use_true_random=False), st.booleans())
def test_whatever_order_and_doubles_the_samples_come_back(
    tmp_path_factory: pytest.TempPathFactory, samples: dict[int, tuple[float, float, float]], random: Any, names: bool
) -> None:
    lines = [line(stamp(t / 1000).removesuffix(".000"), row) for t, row in samples.items()]
    lines = random.sample(lines, len(lines)) + random.choices(lines, k=3)
    folder = tmp_path_factory.mktemp("rows")
    series = sensor_csv.read(write_lines(folder, "gyro_clip", ["time,x,y,z", *lines] if names else lines))
    assert series.times is not None
    np.testing.assert_array_equal(series.values, [samples[t] for t in sorted(samples)])
    np.testing.assert_allclose(series.times, clock(np.array(sorted(samples)) / 1000), atol=1e-6, rtol=0)


def test_video_frames_are_rgb_at_their_own_size(dataset: Path) -> None:
    write_mp4(dataset / "trimmed_acted/subject1/cam1/scene1/session1/carrying.mp4", 3, width=1920, height=1080)
    source = reader(dataset)
    (row,) = source.list().recordings
    assert source.probe(row, "rgb").shape == (1080, 1920, 3)
    with source.open_video(row, "rgb") as video:
        frames = list(video.frames())
    assert video.length == len(frames) == 3
    assert frames[2][:, 100].mean(axis=0) == pytest.approx([250, 8, 8], abs=12)  # red is the first channel


@pytest.mark.parametrize("index_first", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.99])
def test_a_truncated_video_is_broken(dataset: Path, index_first: bool, share: float) -> None:
    path = dataset / "trimmed_acted/subject1/cam1/scene1/session1/carrying.mp4"
    write_mp4(path, 30, index_first=index_first)
    assert reader(dataset).probe(reader(dataset).list().recordings[0], "rgb").length == 30
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    reason = refused(dataset, "rgb").reason
    assert "truncated" in reason or reason == "is empty (0 bytes)"


def test_a_video_that_is_none(dataset: Path) -> None:
    (dataset / "trimmed_acted/subject1/cam1/scene1/session1/carrying.mp4").write_bytes(b"<html>404</html>" * 100)
    assert "cannot be opened as a video" in refused(dataset, "rgb").reason


@pytest.mark.parametrize("make", [None, "empty", "files"])
def test_a_root_without_recordings_is_a_configuration_error(tmp_path: Path, make: str | None) -> None:
    root = tmp_path / "data"
    if make:
        root.mkdir()
    if make == "files":
        write_lines(root, "gyro_clip", [], clip="readme.md")
    with pytest.raises(ConfigError) as caught:
        reader(root).list()
    print(caught.value)
    assert str(root) in str(caught.value)
    assert "--set source.root=DIR" in str(caught.value)


def test_listing_imports_nothing_heavy(dataset: Path) -> None:
    code = (
        "import sys, pathlib; from pipeline.sources.mmact.source import Mmact;"
        f"Mmact(pathlib.Path({str(dataset)!r})).list();"
        "print([m for m in ('numpy', 'scipy', 'av', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
