"""Errors of the system at will: a library, loaded before the C library, lets calls on chosen paths fail (failing_io.c).

``compiled(folder)`` makes it, and ``Failing(...).environment(library)`` are the variables to start a process with::

    library = compiled(tmp_path)
    project.command("run", code=1, **Failing(errno.EIO, "a1_s1", "read").environment(library))
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

CALLS = ("open", "read", "stat", "list", "write", "fsync", "rename", "link", "mkdir", "unlink")


@dataclass(frozen=True)
class Failing:
    """Which calls fail, and how.

    Attributes
    ----------
    errno
        The number that they fail with.
    path
        What the path has in it; for rename and link, that of the target.
    calls
        Groups of calls, comma-separated, of `CALLS`: each holds all of its kind (``read``: read, pread, readv, ...).
    after
        How many matching calls are let through first.
    times
        How many fail then; None: all that follow.
    count
        A file in which the calls of all processes are counted together; where left out, each process counts its own.
    """

    errno: int
    path: str
    calls: str = "read"
    after: int = 0
    times: int | None = None
    count: Path | None = None

    def environment(self, library: Path) -> dict[str, str]:
        """Return the variables that a process is to be started with."""
        assert set(self.calls.split(",")) <= set(CALLS), self.calls
        found = {
            "LD_PRELOAD": str(library),
            "FAILING_IO_ERRNO": str(self.errno),
            "FAILING_IO_PATH": self.path,
            "FAILING_IO_CALLS": self.calls,
            "FAILING_IO_AFTER": str(self.after),
        }
        if self.times is not None:
            found["FAILING_IO_TIMES"] = str(self.times)
        if self.count is not None:
            found["FAILING_IO_COUNT"] = str(self.count)
        return found


def compiled(folder: Path) -> Path:
    """Compile the library into a folder; skip the test where that cannot be."""
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("no C compiler, or no Linux: errors of the system cannot be injected here")
    library = folder / "failing_io.so"
    source = Path(__file__).with_suffix(".c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    tried = subprocess.run(
        [sys.executable, "-c", "open('/dev/null').close()"],
        env={**os.environ, **Failing(5, "/dev/null", "open").environment(library)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "Input/output error" not in tried.stderr:
        pytest.skip("this Python does not call the C library through LD_PRELOAD: errors cannot be injected here")
    return library
