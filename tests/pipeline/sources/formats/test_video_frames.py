"""Frames of video files by number and reduced: those of reading the file from its start, whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.errors import BadRecording
from pipeline.sources.formats.video import VideoFile

FRAMES, WIDTH, HEIGHT = 60, 96, 64
KINDS = [
    ("a.mp4", "libx264", {"g": "15", "bf": "3"}),
    ("open.mp4", "libx264", {"g": "15", "bf": "3", "x264-params": "open-gop=1"}),
    ("refresh.mp4", "libx264", {"x264-params": "intra-refresh=1:keyint=20"}),  # its keys give no frame at once
    ("a.mkv", "libx264", {"g": "20"}),
    ("a.avi", "mpeg4", {"g": "12"}),
    ("b.avi", "libx264", {"g": "15", "bf": "3"}),  # .avi has no presentation times
    ("c.avi", "mjpeg", {}),
]


def write(path: Path, codec: str, options: dict[str, str]) -> Path:
    base = np.random.default_rng(0).integers(0, 255, (HEIGHT // 8, WIDTH // 4, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=30, options=options)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for at in range(FRAMES):
            picture = np.ascontiguousarray(base[:, at : at + WIDTH])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module", params=KINDS, ids=[name for name, *_ in KINDS])
def video(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[VideoFile, Any]:
    name, codec, options = request.param
    file = VideoFile(write(tmp_path_factory.mktemp("video") / name, codec, options), "r", "rgb", name)
    return file, list(file.frames())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, FRAMES - 1), max_size=6))
def test_wanted_frames_are_those_of_the_whole_video(video: tuple[VideoFile, Any], wanted: set[int]) -> None:
    file, whole = video
    numbers = np.array(sorted(wanted), np.int64)
    found = list(file.frames(numbers))
    assert len(whole) == file.length == FRAMES
    assert len(found) == len(numbers)
    for number, frame in zip(numbers, found, strict=True):
        np.testing.assert_array_equal(frame, whole[number])


def test_reduced_frames_are_close_to_an_antialiased_resize(video: tuple[VideoFile, Any]) -> None:
    file, whole = video
    numbers = np.array([3, 40])
    for number, frame in zip(numbers, file.frames(numbers, 24), strict=True):
        assert frame.shape == (24, 24, 3)
        assert np.abs(frame - resized(whole[number], 24)).mean() < 3  # of 255


def test_a_frame_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", "libx264", {"g": "15"})
    file = VideoFile(path, "r", "rgb", "a.mp4")
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    data[start + 16 : start + 4000] = bytes(3984)
    path.write_bytes(data)
    with pytest.raises(BadRecording, match="cannot be decoded"):
        list(file.frames(np.array([0, 5])))


def resized(frame: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    planes = torch.from_numpy(frame).permute(2, 0, 1)[None].float()
    found = F.interpolate(planes, size=(side, side), mode="bilinear", antialias=True)
    values: NDArray[np.float32] = found[0].permute(1, 2, 0).numpy()
    return values
