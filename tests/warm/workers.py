"""What lets a run's workers begin with torch imported, for runs that a test waits for; see ``server.py``.

A worker that a test kills, stops or lets fail in the system's calls is one that Python started, as a user's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


def warm_environment(arguments: Sequence[str], environment: Mapping[str, str], path: str = "") -> dict[str, str]:
    """Return what to add to the environment of ``pipeline ARGUMENTS``, whose code is on `path`."""
    if (
        not hasattr(os, "pidfd_open")
        or arguments[:1] not in (("run",), ("tune",))
        or "--scheduler" in arguments
        or "LD_PRELOAD" in environment
    ):
        return {}
    return {"HARVEST_WARM_WORKERS": _server(), "PYTHONPATH": f"{HERE / 'site'}:{path}".rstrip(":")}


@cache
def _server() -> str:
    """Start the server, which ends with this process, and return its address."""
    address = str(Path(tempfile.mkdtemp(prefix="warm-")) / "socket")
    command = [sys.executable, "-P", str(HERE / "server.py"), address]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    _running.append(server)
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    return address


_running: list[subprocess.Popen[str]] = []  # so that its standard input stays open
