"""A step's time by phase, and how many rows it copied instead of computing them, in a few words for the display."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_IN_TURN = ("read", "copy", "pool", "maps", "render", "transform")  # of a stage that does one after another
_SHORT_S = 1.0  # of a step that took less, no phases are shown


def summarise_timings(provenance: Mapping[str, Any], seconds: float) -> str:
    """Return what to show of a stage's provenance beside the `seconds` that a step took; empty for a short one."""
    phases = wall_phases(provenance.get("timings", {}), seconds) if seconds >= _SHORT_S else {}
    return "; ".join(filter(None, [_copied(provenance.get("rows", {})), shares(phases)]))


def wall_phases(timings: Mapping[str, float], seconds: float) -> dict[str, float]:
    """Divide the seconds that a step took on the wall into phases.

    Parameters
    ----------
    timings
        A stage's. Of video, ``elapsed`` are the seconds in which images were read and went through the network, and
        ``waiting`` those of them in which the network had too little to do. Of other stages, the seconds of phases that
        follow one another; what is done beside them in other threads is not used.

    Returns
    -------
    dict
        Seconds by phase, which add up to `seconds`: ``start and end`` is what no phase has (files are opened, a
        network is built, what is left is written). Empty where nothing was timed, or in several processes at once,
        whose seconds are more than passed on the wall.
    """
    if "elapsed" in timings:
        waiting = min(timings.get("waiting", 0.0), timings["elapsed"])
        phases = {"network": timings["elapsed"] - waiting, "waiting for images": waiting}
    else:
        phases = {name: timings[name] for name in _IN_TURN if name in timings}
    rest = seconds - sum(phases.values())
    return {**phases, "start and end": rest} if phases and rest >= 0 else {}


def shares(phases: Mapping[str, float]) -> str:
    """Write phases as whole per cent that add up to 100, the largest first; those of less than one are left out."""
    total = sum(phases.values())
    if not total:
        return ""
    exact = {name: 100 * seconds / total for name, seconds in phases.items()}
    whole = {name: int(share) for name, share in exact.items()}
    missing = 100 - sum(whole.values())
    for name in sorted(exact, key=lambda name: whole[name] - exact[name])[:missing]:
        whole[name] += 1
    return ", ".join(f"{name} {share} %" for name, share in sorted(whole.items(), key=lambda item: -item[1]) if share)


def _copied(rows: Mapping[str, int]) -> str:
    copied = rows.get("copied", 0)
    return f"copied {copied} of {copied + rows['computed'] + rows['kept']} rows" if copied else ""
