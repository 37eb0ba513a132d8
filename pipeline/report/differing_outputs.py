"""Telling that outputs of a remote differ from those of their keys here, and what can be done."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.formatting import shortened
from pipeline.plan.planner import Plan
from pipeline.terminal import note

if TYPE_CHECKING:
    from pipeline.run.push_pull import TransferOutcome


def print_problems(plan: Plan, outcome: TransferOutcome, problem: str = "") -> None:
    """Say on standard error which outputs could not be copied, and which differ."""
    for id_, why in outcome.failed.items():
        print(f"error: {id_}{problem}: {why}", file=sys.stderr)
    note_differing(plan, outcome.differs)


def note_differing(plan: Plan, differs: Mapping[str, str]) -> None:
    """Say on standard error which outputs differ, where any does."""
    if differs:
        note(differing_text(plan, differs))


def differing_text(plan: Plan, differs: Mapping[str, str]) -> str:
    """Say which steps' outputs differ, where the remote's come from, and how either can be kept.

    Another GPU gives values that differ in the last bit, and both are as good; so it is no error.
    """
    lines = shortened([f"{id_}: the remote's was {origin}" for id_, origin in differs.items()], 10)
    entries = dict.fromkeys(plan.steps[id_].entry if id_ in plan.steps else id_.rpartition(" ")[2] for id_ in differs)
    options = " ".join(f"--force {entry}" for entry in entries)
    return (
        "made twice, here and for a remote, with other bytes; each keeps its own:\n"
        + "".join(f"  {line}\n" for line in lines)
        + f"  to have one for all: `pipeline push {options}` puts these there, `pipeline pull {options}` takes those"
    )
