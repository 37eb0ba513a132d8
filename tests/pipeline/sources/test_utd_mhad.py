"""The UTD-MHAD reader: what it lists and reads, on files written here and on the real dataset."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.sources.base import Listing, Unparsed
from pipeline.sources.utd_mhad import UtdMhad

from .conftest import Arrays


def test_a_recording_joins_its_streams(dataset: Path) -> None:
    (row,) = UtdMhad(dataset).list().recordings
    assert (row.id, row.subject, row.action, row.session) == ("a01_s1_t1", "1", "swipe_left", "1")
    assert row.streams == {
        "rgb": ("RGB/a1_s1_t1_color.avi",),
        "depth": ("Depth/a1_s1_t1_depth.mat",),
        "skeleton": ("Skeleton/a1_s1_t1_skeleton.mat",),
        "inertial": ("Inertial/a1_s1_t1_inertial.mat",),
    }


def test_arrays_come_back_with_time_first(dataset: Path, arrays: Arrays) -> None:
    source = UtdMhad(dataset)
    (row,) = source.list().recordings
    np.testing.assert_array_equal(source.open_series(row, "inertial").values, arrays["inertial"])
    skeleton = source.open_series(row, "skeleton").values
    assert skeleton.dtype == np.float64
    np.testing.assert_array_equal(skeleton[7, 3], arrays["skeleton"][3, :, 7])
    with source.open_video(row, "depth") as video:
        frames = list(video.frames())
    assert video.length == len(frames) == 4
    assert frames[0].dtype == np.uint16
    np.testing.assert_array_equal(np.stack(frames, axis=2), arrays["depth"])


def test_video_frames_are_rgb_and_can_be_read_twice(dataset: Path) -> None:
    source = UtdMhad(dataset)
    (row,) = source.list().recordings
    with source.open_video(row, "rgb") as video:
        frames = list(video.frames())
        again = list(video.frames())
    assert video.length == len(frames) == 20
    assert frames[0].shape == (48, 64, 3)
    assert frames[0].dtype == np.uint8
    assert frames[5][:, 4].mean(axis=0) == pytest.approx([250, 20, 20], abs=12)  # red is the first channel
    np.testing.assert_array_equal(frames, again)


def test_probe_gives_length_and_shape(dataset: Path) -> None:
    source = UtdMhad(dataset)
    (row,) = source.list().recordings
    probes = {stream: source.probe(row, stream) for stream in row.streams}
    assert {stream: (probe.length, probe.shape) for stream, probe in probes.items()} == {
        "rgb": (20, (48, 64, 3)),
        "depth": (4, (240, 320)),
        "skeleton": (50, (20, 3)),
        "inertial": (120, (6,)),
    }


def test_a_recording_without_one_modality_is_listed_without_it(dataset: Path) -> None:
    (dataset / "Skeleton" / "a1_s1_t1_skeleton.mat").unlink()
    (row,) = UtdMhad(dataset).list().recordings
    assert set(row.streams) == {"rgb", "depth", "inertial"}


def test_rows_are_sorted_by_zero_padded_id(tmp_path: Path) -> None:
    folder = tmp_path / "Inertial"
    folder.mkdir()
    for action, subject, trial in ((10, 1, 1), (9, 2, 1), (9, 1, 2), (9, 1, 1), (27, 8, 4)):
        (folder / f"a{action}_s{subject}_t{trial}_inertial.mat").touch()
    ids = [row.id for row in UtdMhad(tmp_path).list().recordings]
    assert ids == ["a09_s1_t1", "a09_s1_t2", "a09_s2_t1", "a10_s1_t1", "a27_s8_t4"]


def test_names_that_do_not_parse_are_reported(dataset: Path) -> None:
    for name in (
        "a28_s1_t1_inertial.mat",
        "copy of a1_s1_t1_inertial.mat",
        "a01_s1_t1_inertial.mat",
        ".hidden",
    ):
        (dataset / "Inertial" / name).touch()
    (dataset / "Skeleton" / "Skeleton_joint_order.txt").touch()
    listing = UtdMhad(dataset).list()
    assert len(listing.recordings) == 1
    assert listing.unparsed == (
        Unparsed("inertial", "Inertial/a01_s1_t1_inertial.mat", "not named like a1_s1_t1_inertial.mat"),
        Unparsed("inertial", "Inertial/a28_s1_t1_inertial.mat", "action 28 is not one of 1..27"),
        Unparsed("inertial", "Inertial/copy of a1_s1_t1_inertial.mat", "not named like a1_s1_t1_inertial.mat"),
    )


@pytest.mark.parametrize("make", [None, "empty", "files"])
def test_a_root_without_recordings_is_a_configuration_error(tmp_path: Path, make: str | None) -> None:
    root = tmp_path / "data"
    if make:
        root.mkdir()
    if make == "files":
        (root / "RGB").mkdir()
        (root / "RGB" / "readme.md").touch()
    with pytest.raises(ConfigError) as caught:
        UtdMhad(root).list()
    print(caught.value)
    assert str(root) in str(caught.value)
    assert "--set source.root=DIR" in str(caught.value)
    assert caught.value.exit_code == 2


def test_listing_imports_nothing_heavy(dataset: Path) -> None:
    code = (
        "import sys, pathlib; from pipeline.sources.utd_mhad import UtdMhad;"
        f"UtdMhad(pathlib.Path({str(dataset)!r})).list();"
        "print([m for m in ('numpy', 'scipy', 'av', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def real_listing(real_utd_mhad: Path) -> Listing:
    """The dataset as its authors published it, but for the RGB videos."""
    return UtdMhad(real_utd_mhad).list()


@pytest.mark.realdata
def test_real_recordings_are_all_listed(real_listing: Listing) -> None:
    assert len(real_listing.recordings) == 861
    assert real_listing.unparsed == ()
    odd = Counter(int(row.subject) % 2 for row in real_listing.recordings)
    assert (odd[1], odd[0]) == (431, 430)
    assert {row.action for row in real_listing.recordings} == set(UtdMhad.classes)
    assert all(set(row.streams) == {"depth", "skeleton", "inertial"} for row in real_listing.recordings)


@pytest.mark.slow  # a timing
@pytest.mark.realdata
def test_real_listing_is_quick(real_utd_mhad: Path) -> None:
    source = UtdMhad(real_utd_mhad)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        source.list()
        seconds.append(time.perf_counter() - start)
    print(f"2,583 files listed in {min(seconds) * 1000:.1f} ms")
    assert min(seconds) < 0.03


@pytest.mark.realdata
def test_real_series_are_whole_and_in_their_units(real_utd_mhad: Path, real_listing: Listing) -> None:
    source = UtdMhad(real_utd_mhad)
    lengths = []
    for row in real_listing.recordings[::7]:
        inertial = source.open_series(row, "inertial").values
        skeleton = source.probe(row, "skeleton")
        lengths.append((len(inertial), skeleton.length))
        assert np.abs(inertial[:, :3]).max() <= 8.01
        assert np.abs(inertial[:, 3:]).max() <= 1001
        assert skeleton.length == source.probe(row, "depth").length
    ratio = np.median([i / s for i, s in lengths])
    assert ratio == pytest.approx(2.62, abs=0.1)  # shared/data/README.md


@pytest.mark.realdata
def test_real_depth_is_millimetres(real_utd_mhad: Path, real_listing: Listing) -> None:
    with UtdMhad(real_utd_mhad).open_video(real_listing.recordings[0], "depth") as video:
        frame = next(iter(video.frames()))
    assert frame.shape == (240, 320)
    assert 1500 < np.median(frame[frame > 0]) < 4000
