"""Broken files: each says what is wrong with which file, whichever way the stream is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from pipeline.errors import BadRecording, StepError
from pipeline.sources.base import Recording
from pipeline.sources.utd_mhad import UtdMhad

FILES = {
    "rgb": "RGB/a1_s1_t1_color.avi",
    "depth": "Depth/a1_s1_t1_depth.mat",
    "skeleton": "Skeleton/a1_s1_t1_skeleton.mat",
    "inertial": "Inertial/a1_s1_t1_inertial.mat",
}
ALL = tuple(FILES)
ARRAYS = ("depth", "skeleton", "inertial")
KEYS = {"depth": "d_depth", "skeleton": "d_skel", "inertial": "d_iner"}

Look = Callable[[UtdMhad, Recording, str], object]


def read(source: UtdMhad, row: Recording, stream: str) -> object:
    if stream in {"rgb", "depth"}:
        with source.open_video(row, stream) as video:
            return list(video.frames())
    return source.open_series(row, stream)


def probe(source: UtdMhad, row: Recording, stream: str) -> object:
    return source.probe(row, stream)


def refused(root: Path, stream: str, look: Look = read, *, row: Recording | None = None) -> str:
    """The reason given for the broken stream, once the message has been seen to name file and stream."""
    source = UtdMhad(root)
    row = row or source.list().recordings[0]
    with pytest.raises(BadRecording) as caught:
        look(source, row, stream)
    print(caught.value)
    error = caught.value
    assert (error.recording, error.stream, error.path) == ("a01_s1_t1", stream, FILES[stream])
    assert str(error).startswith(f"{FILES[stream]}: {error.reason}")
    assert "\n" not in str(error)
    return error.reason


def overwrite(root: Path, stream: str, values: object, key: str | None = None) -> None:
    savemat(root / FILES[stream], {key or KEYS[stream]: values}, do_compression=True)


looks = pytest.mark.parametrize("look", [read, probe])


@looks
@pytest.mark.parametrize("stream", ALL)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_truncated(dataset: Path, stream: str, share: float, look: Look) -> None:
    path = dataset / FILES[stream]
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    reason = refused(dataset, stream, look)
    assert "truncated" in reason or reason == "is empty (0 bytes)"


@looks
@pytest.mark.parametrize("stream", ALL)
def test_other_bytes_than_its_name_says(dataset: Path, stream: str, look: Look) -> None:
    (dataset / FILES[stream]).write_bytes(b"<html>404 not found</html>" * 100)
    reason = refused(dataset, stream, look)
    assert "cannot be opened as a video" in reason or "is not a MATLAB v5 file" in reason


@pytest.mark.parametrize("stream", ARRAYS)
def test_damaged_in_the_middle(dataset: Path, stream: str) -> None:
    path = dataset / FILES[stream]
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    path.write_bytes(content)
    assert "cannot be decompressed" in refused(dataset, stream)


@looks
@pytest.mark.parametrize("stream", ARRAYS)
def test_wrong_key(dataset: Path, stream: str, look: Look) -> None:
    overwrite(dataset, stream, np.ones((3, 3)), "d_other")
    assert refused(dataset, stream, look) == f"has no array `{KEYS[stream]}` (found: d_other)"


@looks
@pytest.mark.parametrize(
    ("stream", "shape", "reason"),
    [
        ("depth", (320, 240, 4), "`d_depth` has shape 320 x 240 x 4, expected 240 x 320 x T"),
        ("skeleton", (25, 3, 40), "`d_skel` has shape 25 x 3 x 40, expected 20 x 3 x T"),
        ("skeleton", (20, 3), "`d_skel` has shape 20 x 3, expected 20 x 3 x T"),
        ("inertial", (100, 3), "`d_iner` has shape 100 x 3, expected T x 6"),
        ("inertial", (6, 100), "`d_iner` has shape 6 x 100, expected T x 6"),
    ],
)
def test_wrong_shape(dataset: Path, stream: str, shape: tuple[int, ...], reason: str, look: Look) -> None:
    overwrite(dataset, stream, np.ones(shape))
    assert refused(dataset, stream, look) == reason


@looks
@pytest.mark.parametrize("stream", ARRAYS)
def test_no_numbers(dataset: Path, stream: str, look: Look) -> None:
    overwrite(dataset, stream, "lost")
    assert refused(dataset, stream, look) == f"`{KEYS[stream]}` holds no numbers (MATLAB class 4)"


@looks
@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
@pytest.mark.parametrize("stream", ["skeleton", "inertial"])
def test_not_finite(dataset: Path, stream: str, value: float, name: str, look: Look) -> None:
    values = np.ones((20, 3, 40) if stream == "skeleton" else (40, 6))
    values[(4, 2, 17) if stream == "skeleton" else (17, 4)] = value
    overwrite(dataset, stream, values)
    assert refused(dataset, stream, look) == f"1 values are NaN or infinite (first: {name} at frame 17)"


@pytest.mark.parametrize("value", [-1.0, 70_000.0, 0.5, np.nan])
def test_depth_that_is_no_millimetres(dataset: Path, value: float) -> None:
    values = np.ones((240, 320, 3))
    values[7, 8, 2] = value
    overwrite(dataset, "depth", values)
    reason = refused(dataset, "depth")
    assert "does not fit uint16" in reason or "first: NaN at frame 2" in reason


def test_depth_that_matlab_kept_as_double_is_fine(dataset: Path) -> None:
    overwrite(dataset, "depth", np.full((240, 320, 3), 2500.0))
    source = UtdMhad(dataset)
    with source.open_video(source.list().recordings[0], "depth") as video:
        (first, *_) = video.frames()
    assert first.dtype == np.uint16
    assert (first == 2500).all()


@looks
@pytest.mark.parametrize("stream", ARRAYS)
def test_no_frames(dataset: Path, stream: str, look: Look) -> None:
    shape = {"depth": (240, 320, 0), "skeleton": (20, 3, 0), "inertial": (0, 6)}[stream]
    overwrite(dataset, stream, np.ones(shape))
    assert refused(dataset, stream, look).startswith(f"`{KEYS[stream]}` has no frames")


@looks
def test_video_without_frames(dataset: Path, write_video: Callable[..., Path], look: Look) -> None:
    write_video(dataset / FILES["rgb"], 0)
    assert refused(dataset, "rgb", look) in {"has no frames", "has no video stream"}


@looks
@pytest.mark.parametrize("stream", ALL)
def test_one_modality_missing(dataset: Path, stream: str, look: Look) -> None:
    (dataset / FILES[stream]).unlink()
    assert refused(dataset, stream, look) == "file is missing"


@looks
@pytest.mark.parametrize("stream", ALL)
def test_a_file_that_goes_away_after_listing_says_nothing_of_its_recording(
    dataset: Path, stream: str, look: Look
) -> None:
    (row,) = UtdMhad(dataset).list().recordings
    (dataset / FILES[stream]).unlink()
    said = f"{FILES[stream]}: No such file or directory\n  that is an error of the system, not of recording a01_s1_t1"
    with pytest.raises(StepError, match=re.escape(said)):
        look(UtdMhad(dataset), row, stream)


@looks
def test_matlab_7_3(dataset: Path, look: Look) -> None:
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    (dataset / FILES["inertial"]).write_bytes(head.ljust(512) + b"\x89HDF\r\n\x1a\n")
    assert refused(dataset, "inertial", look) == "is a MATLAB v7.3 file; save it again with -v7"
