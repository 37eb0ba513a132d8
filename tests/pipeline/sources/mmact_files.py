"""Writes a few clips in MMAct's layout."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

START = datetime(2018, 9, 10, 14, 21, 9)
EPOCH = datetime(1970, 1, 1)
SENSORS = ("acc_phone_clip", "acc_watch_clip", "gyro_clip", "orientation_clip")
CLIP = "subject1/scene1/session1/carrying.csv"


def stamp(seconds: float, start: datetime = START) -> str:
    """A time as the files have it, to milliseconds."""
    return (start + timedelta(milliseconds=round(seconds * 1000))).strftime("%Y%m%d_%H:%M:%S.%f")[:-3]


def clock(seconds: Any, start: datetime = START) -> NDArray[np.float64]:
    """What the reader makes of it."""
    return np.asarray(seconds, np.float64) + (start - EPOCH).total_seconds()


def line(time: str, values: Iterable[float]) -> str:
    return ",".join([time, *(repr(float(value)) for value in values)])


def write_lines(root: Path, folder: str, lines: Iterable[str], *, clip: str = CLIP, end: str = "\r\n") -> Path:
    path = root / folder / clip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(each + end for each in lines).encode())
    return path


def write_sensor(root: Path, folder: str, times: Any, values: Any, *, clip: str = CLIP) -> Path:
    pairs = zip(np.asarray(times), np.asarray(values), strict=True)
    return write_lines(root, folder, [line(stamp(t), row) for t, row in pairs], clip=clip)


def write_mp4(path: Path, frames: int, *, width: int = 64, height: int = 36, index_first: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.zeros((height, width, 3), np.uint8)
    with av.open(str(path), "w", options={"movflags": "faststart"} if index_first else {}) as container:
        stream = container.add_stream("mpeg4", rate=Fraction(30))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for t in range(frames):
            picture[:] = (t * 4) % 250
            picture[:, : width // 2, 0] = 250
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path
