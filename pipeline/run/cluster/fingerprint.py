"""Whether a worker runs the same program as the run: a key names the code, whoever runs it.

Compared when a run begins and with each task, since workers may join later. What a step or shard has loaded is then
compared with the plan's hashes by itself (`pipeline.keys.loaded_code`).
"""

from __future__ import annotations

import platform
import socket
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pipeline.keys.loaded_code import edited_files
from pipeline.version import PACKAGES, VERSION


@cache
def fingerprint() -> dict[str, str]:
    """Return what must be equal wherever a step is done: the code, Python and torch, as text by name.

    Of torch what follows a ``+`` (for which GPUs it was built) does not count.
    """
    root, digest = Path(__file__).resolve().parents[3], sha256()
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            digest.update(f"{file.relative_to(root).as_posix()}\n".encode())
            digest.update(sha256(file.read_bytes()).digest())
    return {
        "harvest": VERSION,
        "code": digest.hexdigest(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "torch": _version("torch").partition("+")[0],
    }


def diff(theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> str:
    """Describe how a worker's `fingerprint` differs from the run's; empty where it does not."""
    differing = [name for name in ("python", "torch", "harvest") if theirs.get(name) != mine[name]]
    if differing:
        return "; ".join(f"{name} {theirs.get(name, 'unknown')}, here {mine[name]}" for name in differing)
    return "" if theirs.get("code") == mine["code"] else "files of its packages pipeline, store or trainers differ"


def mismatch_error(worker: str, theirs: dict[str, Any]) -> str:
    """Return the message that refuses a worker; empty where it runs the same code."""
    if edited := theirs.get("outdated"):
        return (
            f"worker {worker} on {theirs.get('host', 'an unknown host')} has loaded other code than its files hold by "
            f"now: {', '.join(edited)}\n  restart it, then run again"
        )
    difference = diff(theirs, fingerprint())
    return difference and (
        f"worker {worker} on {theirs.get('host', 'an unknown host')} runs other code than this: {difference}\n"
        "  install the same version there (or start it with PYTHONPATH naming a copy of this folder), then run again"
    )


def worker_info(dask_worker: Any = None) -> dict[str, Any]:
    """Return a worker's fingerprint, host, threads, GPUs and edited files; dask hands the worker in."""
    state = getattr(dask_worker, "state", None)
    return {
        **fingerprint(),
        "outdated": edited_files(),
        "host": socket.gethostname(),
        "threads": getattr(state, "nthreads", 1),
        "gpus": int(getattr(state, "total_resources", {}).get("GPU", 0)),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a folder that was never installed
        return "not installed"
