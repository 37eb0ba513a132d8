"""The command as a user runs it, and a tiny experiment that has been run once."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from ...warm.workers import warm_environment
from .variants import variants  # noqa: F401 -- a fixture

REPOSITORY = Path(__file__).parents[3]

EXPERIMENT = """\
store: .store
source: {name: utd-mhad, root: data}
modalities: [depth, skeleton, inertial]
protocol: subject-50-50
stages:
  encode:
    depth: {backbone: squeezenet1_1, weights: none, image_size: 32, patches: 2, window: 1}
  model: {stage: train, needs: [encode], model: dmft-lite, fit: {epochs: 1}}
  evaluate: {needs: [model]}
"""

GOOD = """\
store: .store
source: {name: sample}
modalities: [skeleton, inertial]
protocol: subject-50-50
seeds: [0, 1]
stages:
  encode: {}
  teacher:
    stage: train
    needs: [encode]
    model: dmft
    fit: {epochs: 5}
  student:
    stage: distil
    needs: [encode, teacher]
    model: dmft-lite
    loss: dmft-kd
  evaluate: {needs: [teacher, student]}
"""


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    def refuses(self, code: int, *parts: str) -> None:
        """Assert the exit code, and that the message holds every part in this order and no traceback."""
        print(self.err)
        assert self.code == code, self.out + self.err
        assert "Traceback" not in self.out + self.err
        assert "defect of harvest" not in self.err
        place = 0
        for part in parts:
            found = self.err.find(part, place)
            assert found >= 0, f"{part!r} is not in, or not after the part before it:\n{self.err}"
            place = found + len(part)


def run_here(*arguments: str) -> Said:
    from pipeline.cli import main

    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main(list(arguments))
    assert isinstance(ended.value.code, int)
    return Said(ended.value.code, out.getvalue(), err.getvalue())


def run_apart(*arguments: str, **environment: str) -> Said:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "1"} | warm_environment(arguments, environment) | environment,
    )
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep this machine's cache out of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIPELINE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def number(name: str) -> int:
    """Return a number that only this recording has: ``a2_s1_t3`` is 213."""
    return int("".join(re.findall(r"\d+", name)))


def write_whole(root: Path, name: str) -> None:
    """Write one recording, its inertial values all equal to its number."""
    rng = np.random.default_rng(number(name))
    depth = np.zeros((240, 320, 3), np.uint16)
    depth[100:140, 100:140] = 1000 + number(name)
    arrays = {
        "depth": ("d_depth", depth),
        "skeleton": ("d_skel", rng.normal(size=(20, 3, 30))),
        "inertial": ("d_iner", np.full((80, 6), float(number(name)))),
    }
    for stream, (key, values) in arrays.items():
        folder = root / stream.capitalize()
        folder.mkdir(parents=True, exist_ok=True)
        savemat(folder / f"{name}_{stream}.mat", {key: values}, do_compression=True)


@pytest.fixture(scope="session")
def finished_folder(tmp_path_factory: pytest.TempPathFactory, project_at: Callable[[Path], Any]) -> Path:
    """A folder with data, a stages file and a store in which everything is cached; only to be copied."""
    folder = tmp_path_factory.mktemp("finished")
    for action in (1, 2):
        for subject in (1, 2):
            for trial in (1, 2):
                write_whole(folder / "data", f"a{action}_s{subject}_t{trial}")
    (folder / "stages.yaml").write_text(EXPERIMENT)
    assert len(project_at(folder).run()) == 6
    return folder


@pytest.fixture
def experiment(finished_folder: Path, tmp_path: Path) -> Path:
    """One's own copy of the finished experiment."""
    return Path(shutil.copytree(finished_folder, tmp_path / "experiment"))


@pytest.fixture(scope="session")
def said_here() -> Callable[..., Said]:
    """A function that runs the command in this process: for mistakes that are found before any work begins."""
    return run_here


@pytest.fixture(scope="session")
def said() -> Callable[..., Said]:
    """A function that runs the command in its own process, which starts workers."""
    return run_apart


@pytest.fixture(scope="session")
def write_recording() -> Callable[[Path, str], None]:
    """A function that writes one whole recording's .mat files."""
    return write_whole


@pytest.fixture
def good() -> str:
    """A stages file without a mistake."""
    return GOOD


@pytest.fixture
def file(tmp_path: Path) -> str:
    """The path of a stages file without a mistake."""
    (tmp_path / "stages.yaml").write_text(GOOD)
    return str(tmp_path / "stages.yaml")
