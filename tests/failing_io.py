"""Errors of the system at will: a library, loaded before the C library, lets calls on chosen paths fail (failing_io.c).

The fixture ``failing_io`` is a function that returns the variables to start a process with::

    project.command("run", code=1, **failing_io(errno.EIO, "a1_s1_t1", "read"))
    said("run", *options, **failing_io(errno.ENOSPC, f"{store}/outputs", "write,fsync", after=3, times=1, count=file))
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CALLS = ("open", "read", "stat", "list", "write", "fsync", "rename", "link", "mkdir", "unlink")

Environment = Callable[..., dict[str, str]]


@pytest.fixture(scope="session")
def failing_io(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A function that returns what lets a process' calls fail, see `environment`; skips where that cannot be."""
    library = compiled(tmp_path_factory.mktemp("failing_io"))
    return lambda *args, **kwargs: environment(library, *args, **kwargs)


def environment(
    library: Path,
    errno: int,
    path: str,
    calls: str = "read",
    *,
    after: int = 0,
    times: int | None = None,
    count: Path | None = None,
) -> dict[str, str]:
    """Return the variables to start a process with.

    Parameters
    ----------
    errno
        The number that calls fail with.
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
    assert set(calls.split(",")) <= set(CALLS), calls
    found = {"ERRNO": str(errno), "PATH": path, "CALLS": calls, "AFTER": str(after)}
    if times is not None:
        found["TIMES"] = str(times)
    if count is not None:
        found["COUNT"] = str(count)
    return {"LD_PRELOAD": str(library), **{f"FAILING_IO_{name}": value for name, value in found.items()}}


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
        env={**os.environ, **environment(library, 5, "/dev/null", "open")},
        capture_output=True,
        text=True,
        check=False,
    )
    if "Input/output error" not in tried.stderr:
        pytest.skip("this Python does not call the C library through LD_PRELOAD: errors cannot be injected here")
    return library
