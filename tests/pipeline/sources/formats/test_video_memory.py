"""Frames are decoded one at a time: the length of a video does not show in the memory used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PEAK = """
import resource, sys
from pathlib import Path
from pipeline.sources.formats.video import VideoFile
with VideoFile(Path(sys.argv[1]), "a", "rgb", "v.avi") as video:
    assert sum(1 for _ in video.frames()) == video.length == int(sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # KiB
"""


def peak(path: Path, frames: int) -> float:
    """Peak resident MiB of a process that reads every frame."""
    pytest.importorskip("resource")
    command = [sys.executable, "-c", PEAK, str(path), str(frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def flat(tmp_path: Path, write_video: Callable[..., Path], frames: int) -> None:
    short = peak(write_video(tmp_path / "short.avi", 30, width=320, height=240), 30)
    long = peak(write_video(tmp_path / "long.avi", frames, width=320, height=240), frames)
    all_frames = frames * 320 * 240 * 3 / 2**20
    print(f"peak {short:.0f} MiB for 30 frames, {long:.0f} MiB for {frames} ({all_frames:.0f} MiB decoded)")
    assert long - short < 15


def test_memory_stays_flat(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    flat(tmp_path, write_video, 600)


@pytest.mark.slow
def test_memory_stays_flat_over_ten_minutes(tmp_path: Path, write_video: Callable[..., Path]) -> None:
    flat(tmp_path, write_video, 10 * 60 * 30)
