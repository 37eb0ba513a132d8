"""Telling that outputs of a remote differ from those of their keys here, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.plan.planner import Plan


def differing_text(plan: Plan, differs: Mapping[str, str]) -> str:
    """Say which steps' outputs differ, where the remote's come from, and how either can be kept.

    Another GPU gives values that differ in the last bit, and both are as good; so it is no error.
    """
    lines = [f"  {id_}: the remote's was {told}" for id_, told in list(differs.items())[:10]]
    lines += [f"  and {len(differs) - 10} more"] if len(differs) > 10 else []
    entries = dict.fromkeys(plan.steps[id_].entry if id_ in plan.steps else "ENTRY" for id_ in differs)
    options = " ".join(f"--force {entry}" for entry in entries)
    return (
        "made twice, here and for a remote, with other bytes; each keeps its own:\n"
        + "\n".join(lines)
        + f"\n  to have one for all: `pipeline push {options}` puts these there, `pipeline pull {options}` takes those"
    )
