"""Videos read in processes of their own are those that are read in this one; what goes wrong there is told here."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
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
