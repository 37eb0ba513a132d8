"""Where a step's time went and what it did not have to compute, in a few words for whoever watches a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.formatting import duration

_PHASES = ("decode", "prepare", "read", "pool", "render", "network", "copy", "write")
_SHORT_S = 1.0  # a step that took less has nothing to tell


def summarise_timings(left: Mapping[str, Any]) -> str:
    """Return what to say beside the time that a step took.

    Parameters
    ----------
    left
        What the stage left as provenance. Of its ``timings``, seconds of all threads together, ``waiting`` is how
        long the network had too little to do.
    """
    said = [_copied(left), _where(left.get("timings", {}))]
    return "; ".join(filter(None, said))


def _copied(left: Mapping[str, Any]) -> str:
    rows = left.get("rows", {})
    copied = rows.get("copied", 0)
    return f"copied {copied} of {copied + rows['computed'] + rows['kept']} rows" if copied else ""


def _where(timings: Mapping[str, float]) -> str:
    phases = {name: timings[name] for name in _PHASES if name in timings}
    if sum(phases.values()) < _SHORT_S:
        return ""
    parts = [f"{name} {duration(seconds)}" for name, seconds in phases.items() if seconds >= _SHORT_S / 10]
    if "network" in timings:
        parts.append(f"waiting for images {duration(timings.get('waiting', 0.0))}")
    return ", ".join(parts)
