"""Which joints of a skeleton a bone connects: by their names, else by distances."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.base import Source
from pipeline.sources.skeletons import layout

_SAMPLED = 200  # frames that bones are found from where joints have no names
# The joints that one hangs on, the nearest that there is; a side's own where it has a side.
_PARENTS: Mapping[str, tuple[str, ...]] = {
    "hand": ("wrist",), "wrist": ("elbow",), "elbow": ("shoulder",), "clavicle": ("shouldercentre",),
    "shoulder": ("clavicle", "shouldercentre"), "handtip": ("hand", "wrist"), "thumb": ("hand", "wrist"),
    "pinky": ("wrist",), "index": ("wrist",), "hip": ("hipcentre",), "knee": ("hip",), "ankle": ("knee",),
    "foot": ("ankle",), "heel": ("ankle",), "footindex": ("heel", "ankle"), "bigtoe": ("ankle",),
    "smalltoe": ("bigtoe",),
    "eye": ("nose",), "eyeinner": ("nose",), "eyeouter": ("eye",), "ear": ("eye",), "nose": ("head", "shouldercentre"),
    "head": ("neck", "shouldercentre"), "neck": ("shouldercentre", "spine"), "shouldercentre": ("spine", "hipcentre"),
    "spine": ("navel", "hipcentre"), "navel": ("hipcentre",),
}  # fmt: skip
_SAME: Mapping[str, str] = {
    "spinebase": "hipcentre", "midhip": "hipcentre", "pelvis": "hipcentre", "hipcenter": "hipcentre",
    "spinemid": "spine", "spineshoulder": "shouldercentre", "shouldercenter": "shouldercentre", "spinechest": "spine",
    "spinenavel": "navel",
}  # fmt: skip


def joint_names(source: Source | None, stream: str, count: int) -> tuple[str, ...]:
    """Return the names of a stream's joints, as far as the source's parameters say them, else none.

    Twenty joints without names are in UTD-MHAD's order, by which encode's defaults go, too.
    """
    streams = getattr(getattr(source, "params", None), "streams", None)
    declared = getattr(streams.get(stream), "joints", ()) if isinstance(streams, Mapping) else ()
    if not declared and count == 20:
        declared = "utd-mhad"
    names = layout(declared).joints if declared else ()
    return names if len(names) <= count else ()


def bones(names: Sequence[str], joints: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return pairs of (T, J, 3) joints that a bone connects.

    Without names they are the tree of the shortest distances that change least.
    """
    return bones_by_name(names) if names else _bones_by_distance(joints)


def bones_by_name(names: Sequence[str]) -> list[tuple[int, int]]:
    """Return pairs of joints by their names, in any common spelling."""
    at: dict[tuple[str, str], int] = {}
    for number, name in enumerate(names):
        at.setdefault(_side_and_part(name), number)
    found = []
    for (side, part), number in at.items():
        above = ((each, parent) for parent in _PARENTS.get(part, ()) for each in (side, ""))
        parent = next((at[key] for key in above if key in at), None)
        if parent is not None:
            found.append((parent, number))
    for part in ("hip", "shoulder"):
        pair = [at.get((side, part)) for side in ("left", "right")]
        if f"{part}centre" not in {part for _, part in at} and None not in pair:
            found.append((pair[0], pair[1]))  # type: ignore[arg-type]
    for side in ("left", "right"):  # a body without a spine: its trunk is a square
        if ("", "spine") not in at and {(side, "hip"), (side, "shoulder")} <= at.keys() and ("", "hipcentre") not in at:
            found.append((at[side, "hip"], at[side, "shoulder"]))
    return found


def _side_and_part(name: str) -> tuple[str, str]:
    words = re.sub(r"[^a-z]", "", name.lower())
    side = next((each for each in ("left", "right") if each in words), "")
    part = words.replace(side, "") if side else words
    return side, _SAME.get(part, part)


def _bones_by_distance(joints: NDArray[np.float64]) -> list[tuple[int, int]]:
    from scipy.sparse.csgraph import minimum_spanning_tree

    some = joints[np.linspace(0, len(joints) - 1, min(len(joints), _SAMPLED)).astype(np.int64)]
    distances = np.linalg.norm(some[:, :, None] - some[:, None], axis=-1)  # (T, J, J)
    cost = distances.mean(axis=0) + 4 * distances.std(axis=0)
    tree = minimum_spanning_tree(cost + 1e-9 * cost.max())
    return [(int(one), int(other)) for one, other in zip(*tree.nonzero(), strict=True)]
