"""Which joints of a skeleton a bone connects: by their names, else by distances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.base import Source
from pipeline.sources.joint_parents import numbered_parts, parents_by_name
from pipeline.sources.skeletons import layout

_SAMPLED = 200  # frames that bones are found from where joints have no names


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
    at = numbered_parts(names)
    found = [(parent, joint) for joint, parent in enumerate(parents_by_name(names)) if parent != joint]
    for part in ("hip", "shoulder"):
        pair = [at.get((side, part)) for side in ("left", "right")]
        if ("", f"{part}centre") not in at and None not in pair:
            found.append((pair[0], pair[1]))  # type: ignore[arg-type]
    for side in ("left", "right"):  # a body without a spine: its trunk is a square
        if ("", "spine") not in at and {(side, "hip"), (side, "shoulder")} <= at.keys() and ("", "hipcentre") not in at:
            found.append((at[side, "hip"], at[side, "shoulder"]))
    return found


def _bones_by_distance(joints: NDArray[np.float64]) -> list[tuple[int, int]]:
    from scipy.sparse.csgraph import minimum_spanning_tree

    some = joints[np.linspace(0, len(joints) - 1, min(len(joints), _SAMPLED)).astype(np.int64)]
    distances = np.linalg.norm(some[:, :, None] - some[:, None], axis=-1)  # (T, J, J)
    cost = distances.mean(axis=0) + 4 * distances.std(axis=0)
    tree = minimum_spanning_tree(cost + 1e-9 * cost.max())
    return [(int(one), int(other)) for one, other in zip(*tree.nonzero(), strict=True)]
