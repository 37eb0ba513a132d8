"""Fixtures that find, wait for and kill real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def children() -> Callable[[int], list[int]]:
    """A function that lists the children of a process that are alive; skips where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("no /proc on this system")

    def find(parent: int) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    state, up = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                except OSError:
                    continue
                if int(up) == parent and state != "Z":
                    found.append(int(entry.name))
        return found

    return find


@pytest.fixture(scope="session")
def gone() -> Callable[[list[int]], bool]:
    """A function that waits until processes have ended, ten seconds at most."""

    def wait(processes: list[int]) -> bool:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if not any(_alive(process) for process in processes):
                return True
            time.sleep(0.05)
        return False

    return wait


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="session")
def kill_group() -> Callable[[subprocess.Popen[str]], None]:
    """A function that ends a process and its group by SIGKILL."""

    def kill(process: subprocess.Popen[str]) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()

    return kill


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """A function that waits until a condition holds, and fails after a time."""

    def wait(holds: Callable[[], object], seconds: float = 90.0) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.005)

    return wait
