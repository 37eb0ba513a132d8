"""What lies where a file should be and is none: told of, or done without, and never waited for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


def fifo(path: Path) -> None:
    os.mkfifo(path)


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = os.getcwd()
        os.chdir(path.parent)  # a socket's path must be short
        try:
            made.bind(path.name)
        finally:
            os.chdir(here)


def folder(path: Path) -> None:
    path.mkdir()


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


SPECIAL = [(fifo, "a FIFO"), (bound, "a socket"), (device, "a character device")]
MAKE = pytest.mark.parametrize(("make", "what"), [*SPECIAL, (folder, "a folder")])


def ended(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that is not to wait for anybody, in a process that can be ended if it does."""
    repository = Path(__file__).parents[3]
    command = [sys.executable, "-m", "pipeline", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=repository, env={**os.environ, **environment}
    )


@MAKE
def test_a_lock(file: str, make: Callable[[Path], None], what: str) -> None:
    lock = Path(file).with_suffix(".lock")
    make(lock)
    said = ended("status", "-f", file)
    assert said.returncode == 2
    assert said.stderr == f"error: {lock}: is {what}, no plain file\n  move it away; a run writes a new lock\n"


@MAKE
def test_a_stages_file(tmp_path: Path, make: Callable[[Path], None], what: str) -> None:
    path = tmp_path / "stages.yaml"
    make(path)
    said = ended("status", "-f", str(path))
    assert said.returncode == 2
    assert (
        said.stderr == f"error: {path}: is {what}, no plain file\n  write it to a file, and give that with `-f FILE`\n"
    )


def test_a_stages_file_may_be_a_link(file: str, tmp_path: Path) -> None:
    (tmp_path / "linked.yaml").symlink_to(file)
    assert ended("status", "-f", str(tmp_path / "linked.yaml")).returncode == 0


@pytest.mark.parametrize("make", [make for make, _ in SPECIAL])
def test_cache_files(file: str, tmp_path: Path, make: Callable[[Path], None]) -> None:
    cache = tmp_path / "cache"
    before = ended("status", "-f", file, PIPELINE_CACHE=str(cache))
    kept = [path for path in cache.rglob("*") if path.is_file()]
    assert len(kept) > 1
    for path in kept:
        path.unlink()
        make(path)
    said = ended("status", "-f", file, PIPELINE_CACHE=str(cache))
    assert (said.returncode, said.stdout, said.stderr) == (0, before.stdout, "")
    assert all(path.is_file() and not path.is_symlink() for path in kept if path.suffix == ".cache")
