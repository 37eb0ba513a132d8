"""Files that the tests write in Berkeley-MHAD's layout, and looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import BadRecording
from pipeline.sources.base import Recording, Series
from pipeline.sources.berkeley_mhad.source import BerkeleyMhad, Params

START = 1309539264.038  # unix seconds; about when the dataset was recorded
SENSOR = "Accelerometer/Shimmer01/acc_h01_s01_a01_r01.txt"
CAMERA = "Camera/Cluster01/Cam01/S01/A01/R01/img_l01_c01_s01_a01_r01_{:05d}.pgm"

Rows = Iterable[Iterable[float]]


def write(root: Path, rows: Rows | str, name: str = SENSOR) -> Path:
    """Write a sensor's file: seconds last, after START."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(rows, str):
        rows = "".join(f"{x:.6f} {y:.6f} {z:.6f} {START + t:.6f}\n" for x, y, z, t in rows)
    path.write_text(rows, encoding="utf-8")
    return path


def write_picture(path: Path, pixels: NDArray[np.uint8], header: str = "P5\n{} {}\n255\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.format(pixels.shape[1], pixels.shape[0]).encode() + pixels.tobytes())


def source_of(root: Path, **params: object) -> BerkeleyMhad:
    return BerkeleyMhad(root, msgspec.convert({"root": str(root), **params}, Params))


def read(root: Path, rows: Rows | str, **params: object) -> Series:
    write(root, rows)
    source = source_of(root, **params)
    return source.open_series(source.list().recordings[0], "shimmer1")


def refused(root: Path, stream: str, path: str) -> str:
    """The reason given for a broken stream, the same when probed and when read, in a message that names the file."""
    source = BerkeleyMhad(root)
    (row,) = source.list().recordings
    reasons = set()
    for look in (source.probe, read_all(source)):
        with pytest.raises(BadRecording) as caught:
            look(row, stream)
        print(caught.value)
        error = caught.value
        assert (error.recording, error.stream, error.path) == ("s01_a01_r01", stream, path)
        assert "\n" not in str(error)
        reasons.add(error.reason)
    (reason,) = reasons
    return reason


def read_all(source: BerkeleyMhad) -> Callable[[Recording, str], object]:
    def look(row: Recording, stream: str) -> object:
        if stream == "rgb":
            return list(source.open_video(row, stream).frames())
        return source.open_series(row, stream)

    return look
