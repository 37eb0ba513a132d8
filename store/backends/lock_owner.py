"""Who holds a lock, in words for the other processes that want it."""

from __future__ import annotations

import os

from store.errors import DraftLocked


def this_process() -> str:
    """Return this process as others shall read it: "process 12 on host (user)"."""
    user = os.environ.get("USER") or os.environ.get("LOGNAME")
    return f"process {os.getpid()} on {os.uname().nodename}" + (f" ({user})" if user else "")


def locked_error(owner: str, what: str) -> DraftLocked:
    """Return the error that somebody else holds the lock of `what`."""
    return DraftLocked(f"{what} is being written by {owner}; wait until it ends, or stop it, then run again", owner)
