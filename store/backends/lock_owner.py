"""Who holds a lock, in words for the other processes that want it."""

from __future__ import annotations

import os
import time
from typing import NamedTuple


class LockOwner(NamedTuple):
    """Who took a lock last, in words, and whether it is held still."""

    name: str
    holds: bool


def this_process() -> str:
    """Return this process as others shall read it: "process 12 on host (user)"."""
    user = os.environ.get("USER") or os.environ.get("LOGNAME")
    return f"process {os.getpid()} on {os.uname().nodename}" + (f" ({user})" if user else "")


def new_holder() -> str:
    """Return this process as who holds a lock from now on: "process 12 on host since 2026-11-30 09:15 UTC"."""
    return f"{this_process()} since {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC"
