"""How many threads may read and compute."""

from __future__ import annotations

import os


def cores() -> int:
    """Return how many threads this process may use: ``OMP_NUM_THREADS``, or the cores it may run on."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdigit() and int(given):
        return int(given)
    return allowed_cores()


def allowed_cores() -> int:
    """Return on how many cores this process may run; where the system does not say, how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
