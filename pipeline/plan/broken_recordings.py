"""Whether a plan still holds with the recordings that broke since, and which reasons are to be doubted."""

from __future__ import annotations

import errno
import os
import re
from functools import cache

from pipeline.plan.planner import Plan
from pipeline.plan.recordings.unusable import broken_of, newly_skipped, skipped_of
from pipeline.plan.steps.step import Step
from store import StoreChain

# Errors of the machine, which say nothing of a file's content.
_SYSTEM = [
    getattr(errno, name)
    for name in (
        "EIO", "ESTALE", "EMFILE", "ENFILE", "ENOMEM", "EACCES", "EPERM", "ETIMEDOUT", "EINTR", "ENOTCONN", "EAGAIN",
        "ENODEV", "ENXIO", "EBUSY", "EREMOTEIO", "ECONNRESET", "EHOSTDOWN", "ENETDOWN", "ENOSPC", "EDQUOT", "ELOOP",
    )
    if hasattr(errno, name)
]  # fmt: skip


@cache  # compiled where a recording is broken, which few runs have to ask
def _system_errors() -> re.Pattern[str]:
    messages = "|".join(re.escape(os.strerror(code)) for code in _SYSTEM)
    return re.compile(rf"\(({messages})\)|\[Errno \d+\]|MemoryError|Error -4 while")


def is_foreseen(plan: Plan, step: Step) -> bool:
    """Tell whether an output that is there since now leaves the recordings that the plan goes by.

    The plan may know nothing of what breaks while it is indexed or encoded; where it does, the keys of what is trained
    and tested are others.
    """
    if step.stage not in ("index", "encode") or not plan.store.has(step.stage, step.key):
        return True
    local = StoreChain(plan.store)
    if step.stage == "index":
        return broken_of(local, step) == plan.broken
    return newly_skipped(step, skipped_of(local, step)) == plan.skipped.get(step.id, {})


def is_doubtful(plan: Plan, recording: str, reason: str, stream: str = "") -> bool:
    """Tell a reason that is an error of the system: earlier versions of this program took those for broken files.

    So is that a file of a stream is missing which is listed: it was there before that run looked at it.
    """
    if reason.endswith(": file is missing"):
        return any(stream in each.streams for each in plan.table.listing.recordings if each.id == recording)
    return _system_errors().search(reason) is not None
