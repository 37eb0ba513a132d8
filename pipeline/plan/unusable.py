"""Recordings that cannot be used: what the index found broken, and what broke while it was encoded."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from pipeline.plan.stored import broken_items, skipped_items
from store.chain import Chain

if TYPE_CHECKING:
    from pipeline.plan.planner import Plan
    from pipeline.plan.step import Step

Broken = Mapping[str, Mapping[str, str]]  # recording -> stream -> reason
Skipped = Mapping[str, str]  # recording -> reason

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


def broken_of(chain: Chain, index: Step) -> dict[str, dict[str, str]] | None:
    """Return what the index found broken, by recording and stream; None before it has run."""
    made = chain.output("index", index.key)
    if made is None:
        return None
    broken: dict[str, dict[str, str]] = {}
    for item in broken_items(made):
        broken.setdefault(item.recording, {})[item.stream] = f"{item.path}: {item.reason}"
    return broken


def skipped_of(chain: Chain, encode: Step) -> dict[str, str]:
    """Return the recordings whose rows in a modality's output are empty; nothing before it is made."""
    items = chain.read("encode", encode.key, skipped_items) or []
    return {item.recording: item.reason for item in items}


def late(encode: Step, skipped: Skipped) -> dict[str, str]:
    """Return those of a modality's empty rows that the index knows nothing of: they broke while they were encoded."""
    return {recording: reason for recording, reason in skipped.items() if recording not in encode.work["broken"]}


def foreseen(plan: Plan, done: Step) -> bool:
    """Tell whether an output that is there since now leaves the recordings that the plan goes by.

    The plan may know nothing of what breaks while it is indexed or encoded; where it does, the keys of what is trained
    and tested are others.
    """
    if done.stage not in ("index", "encode") or not plan.store.has(done.stage, done.key):
        return True
    local = Chain(plan.store)
    if done.stage == "index":
        return broken_of(local, done) == plan.broken
    return late(done, skipped_of(local, done)) == plan.late.get(done.id, {})


def doubtful(plan: Plan, recording: str, reason: str, stream: str = "") -> bool:
    """Tell a reason that is an error of the system: earlier versions of this program took those for broken files.

    So is that a file of a stream is missing which is listed: it was there before that run looked at it.
    """
    if reason.endswith(": file is missing"):
        return any(stream in each.streams for each in plan.table.listing.recordings if each.id == recording)
    return _of_the_system().search(reason) is not None
