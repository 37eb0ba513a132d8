"""Whether a plan still holds with the recordings that broke since, and which reasons are to be doubted."""

from __future__ import annotations

import errno
import os
import re
from functools import cache

from pipeline.plan.planner import Plan
from pipeline.plan.recordings.unusable import broken_of, late, skipped_of
from pipeline.plan.steps.step import Step
from store import StoreChain

_SYSTEM = [
    getattr(errno, name)
    for name in (
        "EIO", "ESTALE", "EMFILE", "ENFILE", "ENOMEM", "EACCES", "EPERM", "ETIMEDOUT", "EINTR", "ENOTCONN", "EAGAIN",
        "ENODEV", "ENXIO", "EBUSY", "EREMOTEIO", "ECONNRESET", "EHOSTDOWN", "ENETDOWN", "ENOSPC", "EDQUOT", "ELOOP",
    )
    if hasattr(errno, name)
]  # fmt: skip


@cache  # compiled where a recording is broken, which few runs have to ask
def _of_the_system() -> re.Pattern[str]:
    said = "|".join(re.escape(os.strerror(code)) for code in _SYSTEM)
    return re.compile(rf"\(({said})\)|\[Errno \d+\]|MemoryError|Error -4 while")


def is_foreseen(plan: Plan, done: Step) -> bool:
    """Tell whether an output that is there since now leaves the recordings that the plan goes by.

    The plan may know nothing of what breaks while it is indexed or encoded; where it does, the keys of what is trained
    and tested are others.
    """
    if done.stage not in ("index", "encode") or not plan.store.has(done.stage, done.key):
        return True
    local = StoreChain(plan.store)
    if done.stage == "index":
        return broken_of(local, done) == plan.broken
    return late(done, skipped_of(local, done)) == plan.late.get(done.id, {})


def is_doubtful(plan: Plan, recording: str, reason: str, stream: str = "") -> bool:
    """Tell a reason that is an error of the system: earlier versions of this program took those for broken files.

    So is that a file of a stream is missing which is listed: it was there before that run looked at it.
    """
    if reason.endswith(": file is missing"):
        return any(stream in each.streams for each in plan.table.listing.recordings if each.id == recording)
    return _of_the_system().search(reason) is not None
