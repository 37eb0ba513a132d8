"""Videos read in processes of their own are those that are read in this one; what goes wrong there is told here."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

import pipeline.sources.utd_mhad as module
from pipeline.errors import BadRecording, CodeChanged, StepError
from pipeline.run.readers.messages import OpenSource
from pipeline.run.readers.source import SourceInProcesses
from pipeline.sources.utd_mhad import UtdMhad

HEIGHT, WIDTH = 240, 320


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("utd")
    (root / "Depth").mkdir()
    random = np.random.default_rng(0)
    for trial in range(1, 5):
        frames = random.integers(0, 4000, (HEIGHT, WIDTH, 40 + trial), np.uint16)
        savemat(root / f"Depth/a1_s1_t{trial}_depth.mat", {"d_depth": frames}, do_compression=True)
    return root


@pytest.fixture
def source(root: Path) -> Iterator[SourceInProcesses]:
    found = in_processes(root)
    yield found
    found.close()


def in_processes(root: Path, sha256: str = "") -> SourceInProcesses:
    digest = hashlib.sha256(Path(module.__file__).read_bytes()).hexdigest()
    code = {module.__name__: (sha256 or digest, "")}
    return SourceInProcesses(UtdMhad(root), OpenSource({"name": "utd-mhad", "root": str(root)}, code))


def frames(source: Any, recording: Any, wanted: Any = None) -> list[Any]:
    with source.open_video(recording, "depth") as video:
        return [frame.copy(order="K") for frame in video.frames(wanted)]


def test_frames_are_those_that_this_process_reads(source: SourceInProcesses, root: Path) -> None:
    recordings = source.list().recordings
    wanted = np.arange(0, 40, 3)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda each: frames(source, each, wanted), recordings))
    for recording, read in zip(recordings, found, strict=True):
        expected = frames(UtdMhad(root), recording, wanted)
        np.testing.assert_array_equal(read, expected)
        assert read[0].flags.f_contiguous == expected[0].flags.f_contiguous  # the order that resizing is fast in


def test_a_video_can_be_left_and_read_again(source: SourceInProcesses) -> None:
    first, second, *_ = source.list().recordings
    with source.open_video(first, "depth") as video:
        assert video.length == 41
        for wanted in (None, np.arange(30)):  # of several blocks
            reading = video.frames(wanted)
            begun = next(iter(reading)).copy()
            del reading
            np.testing.assert_array_equal(next(iter(video.frames(np.zeros(1, np.int64)))), begun)
    assert len(frames(source, second)) == 42
    assert len(source._all) == 1


def test_a_broken_file_is_told_as_in_this_process(root: Path, tmp_path: Path) -> None:
    (tmp_path / "Depth").mkdir()
    whole = (root / "Depth/a1_s1_t1_depth.mat").read_bytes()
    (tmp_path / "Depth/a1_s1_t1_depth.mat").write_bytes(whole[:-1000])
    (tmp_path / "Depth/a1_s1_t2_depth.mat").write_bytes(whole)
    source = in_processes(tmp_path)
    broken, good = source.list().recordings
    with pytest.raises(BadRecording) as here:
        UtdMhad(tmp_path).open_video(broken, "depth")
    with pytest.raises(BadRecording) as there:
        source.open_video(broken, "depth")
    assert str(there.value) == str(here.value)
    assert len(frames(source, good)) == 41
    (tmp_path / good.streams["depth"][0]).unlink()
    with pytest.raises(StepError, match=r"a1_s1_t2_depth.mat: No such file"):
        source.open_video(good, "depth")
    source.close()


def test_a_process_that_is_killed_stops_the_step_with_a_sentence(source: SourceInProcesses) -> None:
    recording, *_ = source.list().recordings
    video = source.open_video(recording, "depth")
    os.kill(source._all[0]._process.pid, signal.SIGKILL)
    with pytest.raises(StepError, match="was killed by signal 9"):
        list(video.frames())


def test_other_code_than_was_hashed_reads_nothing(root: Path) -> None:
    source = in_processes(root, sha256="0" * 64)
    with pytest.raises(CodeChanged, match=r"utd_mhad\.py changed"):
        frames(source, source.list().recordings[0])
    source.close()


MISBEHAVES = r"""
import os, subprocess, time
import pipeline.keys.loaded_code
from pathlib import Path
from pipeline.errors import BadRecording
from pipeline.sources import utd_mhad
from pipeline.sources.base import Video
import numpy as np

def act(how, root):
    if how == "starts-a-program":
        assert subprocess.run(["cat"], capture_output=True, check=True).stdout == b""
    if how == "disk":
        raise OSError(5, "bad \udcff disk", b"/a\xff")
    if how == "odd":
        raise OSError("odd")
    if how == "broken":
        raise BadRecording("r", "depth", Path("a\udcff"), "no \ud800")
    if how == "pipe":
        raise BrokenPipeError("of its own")
    if how == "stopped":
        raise KeyboardInterrupt
    if how == "leaves-a-child":
        if os.fork() == 0:
            time.sleep(60)
        os._exit(3)
    if how == "sleeps":
        Path(root, "begun").touch()
        time.sleep(600)

class Frames(Video):
    length = 20

    def __init__(self, root):
        self.how, self.root = Path(root, "how").read_text(), root

    def frames(self, wanted=None, side=None):
        for number in range(20) if wanted is None else wanted.tolist():
            if number == 3:
                act(self.how, self.root)
            yield np.full((2, 3), number, np.uint16)
        if self.how == "raises-after-the-last":
            raise ValueError("trailing bytes")

utd_mhad.UtdMhad.open_video = lambda self, recording, stream: Frames(self.root)
"""


@pytest.fixture
def misbehaves(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that makes a source which, in its process, does something at its third frame."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(MISBEHAVES)
    monkeypatch.syspath_prepend(tmp_path / "site")
    (tmp_path / "Depth").symlink_to(root / "Depth")
    made = []

    def make(how: str) -> SourceInProcesses:
        (tmp_path / "how").write_text(how)
        made.append(in_processes(tmp_path))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("how", ["starts-a-program", "raises-after-the-last"])
def test_what_a_reader_does_beside_its_frames_does_not_matter(misbehaves: Any, how: str) -> None:
    source = misbehaves(how)
    found = frames(source, source.list().recordings[0], np.arange(20))
    assert [int(frame[0, 0]) for frame in found] == list(range(20))


@pytest.mark.parametrize(
    ("how", "kind", "said"),
    [
        ("disk", OSError, r"bad \\udcff disk: '/a\\+udcff'"),
        ("odd", OSError, "(?m)^odd$"),
        ("broken", BadRecording, r"(?m)^a\\udcff: no \\ud800 \(recording r, stream depth\)$"),
        ("pipe", OSError, "(?m)^of its own$"),
        ("stopped", StepError, "KeyboardInterrupt"),
        (
            "leaves-a-child",
            StepError,
            r"a01_s1_t1, stream depth \(Depth/.*mat\), ended with status 3",
        ),
    ],
)
def test_what_goes_wrong_is_told(misbehaves: Any, how: str, kind: type[Exception], said: str) -> None:
    source = misbehaves(how)
    with pytest.raises(kind, match=said):
        frames(source, source.list().recordings[0])


STEP = """
import sys
from pathlib import Path
from tests.pipeline.run.readers.test_source import in_processes
source = in_processes(Path(sys.argv[1]))
video = source.open_video(source.list().recordings[0], "depth")
print(source._all[0]._process.pid, flush=True)
list(video.frames())
"""


def test_a_process_ends_with_the_step_whatever_it_is_at(misbehaves: Any, tmp_path: Path) -> None:
    misbehaves("sleeps")
    path = os.pathsep.join(filter(None, sys.path))
    step = subprocess.Popen(
        [sys.executable, "-c", STEP, str(tmp_path)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    )
    with step:
        assert step.stdout is not None
        reader = int(step.stdout.readline())
        wait_for(lambda: (tmp_path / "begun").exists())
        step.kill()
    wait_for(lambda: not is_running(reader))


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
