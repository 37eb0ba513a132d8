"""Peak memory of encoding a video does not grow with its length."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

RATE, WIDTH, HEIGHT = 30, 160, 120

CHILD = """
import resource, sys
from pathlib import Path
import torch
from pipeline.sources.base import Modality, Recording
from pipeline.sources.formats.video import VideoFile
from pipeline.stages.encode.encoder import EncodeTask
from pipeline.stages.encode.video.params import VideoParams
from pipeline.stages.encode.video.encoder import VideoEncoder

class Source:
    def open_video(self, recording, stream):
        return VideoFile(Path(sys.argv[1]), recording.id, stream, sys.argv[1])

params = VideoParams(
    backbone="squeezenet1_1", weights="none", image_size=32, window=1, stride=1, unit="seconds",
    pool=sys.argv[2], align=sys.argv[3],
)
task = EncodeTask("rgb", Modality("video", ("rgb",), 30.0), Source(), [], {}, True, torch.device("cpu"), threads=1)
encoder = VideoEncoder(params, task)
recording = Recording("r", "1", "walk", "1", streams={"rgb": (sys.argv[1],)})
(encoded,) = encoder.encode([[recording]], lambda: None)
assert encoded.valid.all()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def write(path: Path, seconds: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(seconds * RATE):
            frame = np.full((HEIGHT, WIDTH, 3), number % 256, np.uint8)
            frame[:, number % WIDTH] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def peak(path: Path, pool: str, align: str) -> int:
    """Return the peak resident memory of encoding one file in a process of its own, in MiB."""
    found = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), pool, align], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    return int(found.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["frames", "features"])
@pytest.mark.parametrize("align", ["resample", "spread"])
def test_ten_minutes_take_no_more_memory_than_one(tmp_path: Path, pool: str, align: str) -> None:
    minute, ten = (write(tmp_path / f"{minutes}.mp4", 60 * minutes) for minutes in (1, 10))
    assert peak(ten, pool, align) - peak(minute, pool, align) < 30  # all frames would be 1 GiB
