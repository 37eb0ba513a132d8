"""A step's time by phase, and how many rows it copied instead of computing them, in a few words for the display."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.formatting import duration

_PHASES = ("decode", "prepare", "read", "pool", "render", "network", "copy", "write")
_SHORT_S = 1.0  # of a step that took less, no phases are shown


def summarise_timings(provenance: Mapping[str, Any]) -> str:
    """Return what to show of a stage's provenance beside the time that a step took; empty for a short one.

    Of ``timings``, seconds summed over all threads, ``waiting`` is how long the network had too little to do, of
    ``elapsed`` seconds, in which it could have computed for ``available`` seconds, in as many threads as it has.
    """
    return "; ".join(filter(None, [_copied(provenance.get("rows", {})), _phases(provenance.get("timings", {}))]))


def _copied(rows: Mapping[str, int]) -> str:
    copied = rows.get("copied", 0)
    return f"copied {copied} of {copied + rows['computed'] + rows['kept']} rows" if copied else ""


def _phases(timings: Mapping[str, float]) -> str:
    phases = {name: timings[name] for name in _PHASES if name in timings}
    if sum(phases.values()) < _SHORT_S:
        return ""
    parts = [f"{name} {duration(seconds)}" for name, seconds in phases.items() if seconds >= _SHORT_S / 10]
    shares = ""
    if elapsed := timings.get("elapsed"):
        busy = min(1.0, timings.get("network", 0.0) / timings["available"])
        waiting = min(1.0 - busy, timings.get("waiting", 0.0) / elapsed)
        shares = f"network busy {busy:.0%}, waiting for images {waiting:.0%}; "
    return f"{shares}in all threads: {', '.join(parts)}"
