"""What the system says while a file is read fails the step, whatever the format: it says nothing of the recording."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.errors import StepError
from pipeline.sources.formats.video import VideoFile
from pipeline.sources.utd_mhad import UtdMhad

from . import look
from .berkeley_mhad_files import CAMERA, SENSOR, write, write_picture
from .mmact_files import CLIP, write_sensor

Environment = Callable[..., dict[str, str]]

REPOSITORY = Path(__file__).parents[3]
OPENING = (errno.EMFILE, errno.ENFILE, errno.EACCES, errno.ESTALE, errno.ENOENT, errno.ENOMEM)
READING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EPERM, errno.ENOMEM)
CASES = [("open", code, 0) for code in OPENING] + [("read", code, 0) for code in READING]
CASES += [("open", errno.EMFILE, 1), ("read", errno.EIO, 1), ("read", errno.EIO, 2), ("read", errno.EIO, 5)]
FILES = {  # what is looked at: in how many of CASES at least the call that fails comes to pass
    "Inertial/a1_s1_t1_inertial.mat": 12, "Depth/a1_s1_t1_depth.mat": 12, "RGB/a1_s1_t1_color.avi": 16,
    SENSOR: 12, CAMERA.format(0): 12,
    f"acc_phone_clip/{CLIP}": 12, "trimmed_cross/subject1/cam1/scene1/session1/carrying.mp4": 16,
}  # fmt: skip


def write_noise(path: Path) -> None:
    """Write a video of more bytes than are read at once."""
    path.parent.mkdir(parents=True)
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(30))
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 320, 240, "yuv420p", 30_000_000
        for _ in range(24):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 255, (240, 320, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert path.stat().st_size > 1 << 20


@pytest.fixture
def root(tmp_path: Path, dataset: Path) -> Path:
    """One recording of each dataset, with every format that is read."""
    shutil.move(dataset, tmp_path / "utd")
    shutil.rmtree(tmp_path / "utd/RGB")
    (tmp_path / "utd/Skeleton/a1_s1_t1_skeleton.mat").unlink()
    for file in FILES:
        if file.endswith((".avi", ".mp4")):
            write_noise(tmp_path / ("utd" if file.endswith(".avi") else "mmact") / file)
    write(tmp_path / "berkeley", [(0.1, 0.2, 0.3, t / 30) for t in range(90)])
    write_picture(tmp_path / "berkeley" / CAMERA.format(0), np.full((9, 9), 7, np.uint8))
    write_sensor(tmp_path / "mmact", "acc_phone_clip", np.arange(9) / 100, np.ones((9, 3)))
    return tmp_path


def test_no_error_of_the_system_makes_a_recording_broken(root: Path, failing_io: Environment) -> None:
    done = subprocess.run(
        [sys.executable, look.__file__, root, json.dumps(CASES)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **failing_io(errno.EIO, "no such path"), "PYTHONPATH": str(REPOSITORY)},
    )
    found: dict[str, str] = json.loads(done.stdout)
    for file, least in FILES.items():
        for way in ("probe", "read"):
            good = found[f"{file} {way}"]
            assert good.startswith("read ")
            failed = 0
            for number, (calls, code, after) in enumerate(CASES):
                said = found[f"{file} {way} {number}"]
                if said == good and after:  # it reads less often
                    continue
                assert said.startswith(f"step {file}: {os.strerror(code)}\n  that is an error of the system"), (
                    calls,
                    code,
                    after,
                    said,
                )
                assert "and run again" in said
                failed += 1
            assert failed >= (least if way == "read" else 12), (file, way)


@pytest.mark.parametrize("stream", ["inertial", "depth", "rgb"])
def test_nor_does_a_lack_of_memory(dataset: Path, stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = UtdMhad(dataset)
    (row,) = source.list().recordings

    def refuse(*_: object, **__: object) -> object:
        raise MemoryError

    monkeypatch.setattr("pipeline.sources.formats.mat._numbers", refuse)
    monkeypatch.setattr("av.video.reformatter.VideoReformatter.reformat", refuse, raising=False)
    if stream == "rgb":
        monkeypatch.setattr("pipeline.sources.formats.video._Decoder.frames", refuse)
    with pytest.raises(StepError, match="out of memory\n  that is an error of the system"):
        look.read(source, row, stream)


def test_a_decoder_without_memory_is_told_from_a_file_that_asks_for_too_much(
    tmp_path: Path, write_video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "a.avi", 3)

    def refuse(*_: object) -> object:
        raise av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr("pipeline.sources.formats.video._Decoder.frames", refuse)
    video = VideoFile(path, "a01", "rgb", "a.avi")
    with pytest.raises(Exception, match=r"a.avi: cannot be decoded \(FFmpeg: Cannot allocate memory\)"):
        list(video.frames())
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), before[1]))
    try:
        with pytest.raises(StepError, match="out of memory"):
            list(video.frames())
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def test_a_folder_that_cannot_be_listed_is_not_one_without_videos(root: Path, failing_io: Environment) -> None:
    program = "import sys; from pathlib import Path; from pipeline.sources.mmact.source import Mmact; "
    program += "print(Mmact(Path(sys.argv[1])).list())"
    done = subprocess.run(
        [sys.executable, "-c", program, root / "mmact"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **failing_io(errno.EIO, f"{root}/mmact", "list"), "PYTHONPATH": str(REPOSITORY)},
    )
    assert f"ConfigError: source.root: cannot read {root / 'mmact'}" in done.stderr
