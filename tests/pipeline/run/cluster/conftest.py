"""Schedulers and workers that tests start and kill: real processes, on loopback."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[4]
CONFIG = {
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
    "DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "1s",
}


@dataclass
class Cluster:
    """A scheduler with workers; each process has a group of its own."""

    cache: Path
    environment: dict[str, str] = field(default_factory=dict)
    address: str = ""
    scheduler: subprocess.Popen[str] | None = None
    workers: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *options: str) -> str:
        """Start a scheduler on a free port and return its address."""
        place = ("--host", "127.0.0.1", "--port", "0", "--dashboard-address", ":0")
        self.scheduler = self._spawn("scheduler", *place, *options)
        self.address = _wait_for(self.scheduler, r"Scheduler at:\s+(\w+://\S+)")
        return self.address

    def add(self, count: int = 1, *, code: Path = REPOSITORY, options: tuple[str, ...] = ()) -> None:
        """Start workers of one thread; they are there when this returns."""
        begun = [
            self._spawn("worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", *options, code=code)
            for _ in range(count)
        ]
        for each in begun:
            _wait_for(each, r"(Registered to)")
        self.workers += begun

    def stop(self) -> None:
        """Kill whatever still runs."""
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _spawn(self, kind: str, *arguments: str, code: Path = REPOSITORY) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments],
            env={
                **os.environ,
                **CONFIG,
                **self.environment,
                "PYTHONPATH": str(code),
                "OMP_NUM_THREADS": "1",
                "PIPELINE_CACHE": str(self.cache),
            },
            cwd=self.cache,  # the folder that it runs in is searched for code, too
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )


def _wait_for(process: subprocess.Popen[str], pattern: str) -> str:
    """Return what a process says, and let it talk on."""
    assert process.stderr is not None
    said, end = "", time.monotonic() + 60
    for line in process.stderr:
        said += line
        if found := re.search(pattern, line):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found.group(1)
        assert time.monotonic() < end, said
    raise AssertionError(said)


@pytest.fixture
def cluster(cache: Path) -> Iterator[Cluster]:
    """A scheduler without workers."""
    started = Cluster(cache)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def make_cluster(cache: Path) -> Iterator[Callable[..., Cluster]]:
    """A function that starts a scheduler, given its environment and further options."""
    made: list[Cluster] = []

    def make(environment: dict[str, str], *options: str) -> Cluster:
        made.append(Cluster(cache, environment))
        made[-1].start(*options)
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture(scope="module")
def two_workers(cache: Path, s3: Any) -> Iterator[Cluster]:
    """A scheduler with two workers, for tests that harm none of them; they have S3's credentials."""
    started = Cluster(cache)
    started.start()
    started.add(2)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def alike() -> Callable[[Any, Any, list[str]], None]:
    """A function that compares steps' outputs of two projects, bit for bit."""

    def compare(one: Any, other: Any, steps: list[str]) -> None:
        plan = one.plan()
        for id_ in steps:
            step = plan.steps[id_]
            found = [each.plan().store.output(step.stage, step.key) for each in (one, other)]
            entries = [{e.path: (e.size, e.sha256) for e in output.manifest.objects} for output in found]
            if step.stage in ("train", "distil"):  # history has times
                entries = [{"model": each["model.safetensors"]} for each in entries]
            assert entries[0] == entries[1], id_

    return compare


SLOW = """
import os, time
from pathlib import Path
import pipeline.stages.encode.shards as encode

def slow(draft, layout, shard, arrays, write=encode.write_shard):
    Path({log!r}, f"{{shard}}-{{os.getpid()}}-{{time.time_ns()}}").touch()
    time.sleep(0.4)
    write(draft, layout, shard, arrays)

if encode.write_shard.__name__ != "slow":  # dask loads this twice
    encode.write_shard = slow
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A folder where slow workers leave a file for each shard that they make, named by shard, process and time."""
    folder = tmp_path / "made"
    folder.mkdir()
    return folder


@pytest.fixture
def slowly(tmp_path: Path, log: Path) -> tuple[str, ...]:
    """A worker's options that make it wait between computing a shard and writing it."""
    preload = tmp_path / "slow.py"
    preload.write_text(SLOW.format(log=str(log)))
    return ("--preload", str(preload))


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory, inertial_files: Callable[..., Path]) -> Path:
    """864 recordings: 14 shards."""
    return inertial_files(tmp_path_factory.mktemp("wide"), 27, 8, 130)


@pytest.fixture(scope="session")
def indexed_wide(tmp_path_factory: pytest.TempPathFactory, project_at: Callable[[Path], Any], wide: Path) -> Any:
    """An experiment with an encode step of 14 shards, and its index; only to be copied."""
    project = project_at(tmp_path_factory.mktemp("indexed") / "project").write(
        {
            "source": {"name": "utd-mhad", "root": str(wide)},
            "modalities": ["inertial"],
            "protocol": "subject-50-50",
            "stages": {"encode": {}},
        }
    )
    project.run(until="index")
    return project


@pytest.fixture
def encoding(indexed_wide: Any, tmp_path: Path) -> Any:
    """One's own copy of that experiment."""
    return indexed_wide.copy(tmp_path / "project")


@pytest.fixture(scope="session")
def unbroken(indexed_wide: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """That experiment as one process makes it that nobody stops."""
    project = indexed_wide.copy(tmp_path_factory.mktemp("unbroken") / "project")
    project.run()
    return project
