"""Who holds a lock, in words for the other processes that want it."""

from __future__ import annotations

import os
from typing import NamedTuple


class LockOwner(NamedTuple):
    """Who took a lock last, in words, and whether it is held still."""

    name: str
    holds: bool


def this_process() -> str:
    """Return this process as others shall read it: "process 12 on host (user)"."""
    user = os.environ.get("USER") or os.environ.get("LOGNAME")
    return f"process {os.getpid()} on {os.uname().nodename}" + (f" ({user})" if user else "")
