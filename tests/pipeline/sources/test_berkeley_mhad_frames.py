"""Berkeley-MHAD's cameras: a PGM file a frame."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import BadRecording
from pipeline.sources.berkeley_mhad.source import BerkeleyMhad

from .berkeley_mhad_files import CAMERA, read_all, refused, write_picture


class TestFrames:
    @pytest.mark.parametrize("header", ["P5\n{} {}\n255\n", "P5 {} {} 255 ", "P5\r\n# a camera\r\n{}\t{}\n#\n255\n"])
    def test_they_come_back_exactly(self, tmp_path: Path, header: str) -> None:
        """Also pixels that look like spaces and comments, right behind the header."""
        written = np.random.default_rng(0).integers(0, 256, (12, 48, 64), np.uint8)
        written[:, 0, :3] = [ord(" "), ord("#"), ord("\n")]
        for number, pixels in enumerate(written):
            write_picture(tmp_path / CAMERA.format(number), pixels, header)
        source = BerkeleyMhad(tmp_path)
        (row,) = source.list().recordings
        assert source.probe(row, "rgb").length == 12
        assert source.probe(row, "rgb").shape == (48, 64, 3)
        with source.open_video(row, "rgb") as video:
            frames, again = np.stack(list(video.frames())), np.stack(list(video.frames()))
        assert video.length == 12
        assert frames.dtype == np.uint8
        for channel in range(3):
            np.testing.assert_array_equal(frames[..., channel], written)
        np.testing.assert_array_equal(frames, again)

    def test_pillow_writes_what_is_read(self, tmp_path: Path) -> None:
        image = pytest.importorskip("PIL.Image")
        pixels = np.random.default_rng(1).integers(0, 256, (480, 640), np.uint8)
        path = tmp_path / CAMERA.format(0)
        path.parent.mkdir(parents=True)
        image.fromarray(pixels).save(path)
        source = BerkeleyMhad(tmp_path)
        (frame,) = source.open_video(source.list().recordings[0], "rgb").frames()
        np.testing.assert_array_equal(frame[..., 1], pixels)


class TestBrokenFiles:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "is empty (0 bytes)"),
            (b"P2\n2 2\n255\n0 0 0 0\n", "has no header of a binary PGM picture (P5, width, height, 255)"),
            (b"P5\n2 2\n", "has no header of a binary PGM picture (P5, width, height, 255)"),
            (b"P5\n2 2\n255\n\0\0\0", "truncated: has 3 of 4 pixels"),
            (b"P5\n0 2\n255\n", "has no pixels (0 x 2)"),
            (b"P5\n2 2\n65535\n" + bytes(8), "has 65535 for white, expected 255: one byte a pixel"),
        ],
    )
    def test_frames(self, tmp_path: Path, content: bytes, reason: str) -> None:
        name = CAMERA.format(0)
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(content)
        assert refused(tmp_path, "rgb", name) == reason

    def test_frames_of_other_sizes(self, tmp_path: Path) -> None:
        for number, height in enumerate([3, 3, 4]):
            write_picture(tmp_path / CAMERA.format(number), np.zeros((height, 5), np.uint8))
        source = BerkeleyMhad(tmp_path)
        (row,) = source.list().recordings
        message = f"{CAMERA.format(2)}: is 5 x 4, the frames before it are 5 x 3"
        with pytest.raises(BadRecording, match=re.escape(message)):
            read_all(source)(row, "rgb")
