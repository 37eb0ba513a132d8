"""Which joint each joint of a skeleton hangs on, by their names: a tree whose edges are bones. No slow imports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

# The parts that one hangs on, the nearest that there is; a side's own where it has a side.
_ABOVE: Mapping[str, tuple[str, ...]] = {
    "hand": ("wrist",), "wrist": ("elbow",), "elbow": ("shoulder",), "clavicle": ("shouldercentre",),
    "shoulder": ("clavicle", "shouldercentre"), "handtip": ("hand", "wrist"), "thumb": ("hand", "wrist"),
    "pinky": ("wrist",), "index": ("wrist",), "hip": ("hipcentre",), "knee": ("hip",), "ankle": ("knee",),
    "foot": ("ankle",), "heel": ("ankle",), "footindex": ("heel", "ankle"), "bigtoe": ("ankle",),
    "smalltoe": ("bigtoe",),
    "eye": ("nose",), "eyeinner": ("nose",), "eyeouter": ("eye",), "ear": ("eye",), "mouth": ("nose",),
    "nose": ("head", "shouldercentre"), "head": ("neck", "shouldercentre"), "neck": ("shouldercentre", "spine"),
    "shouldercentre": ("spine", "hipcentre"), "spine": ("navel", "hipcentre"), "navel": ("hipcentre",),
}  # fmt: skip
_SAME: Mapping[str, str] = {
    "spinebase": "hipcentre", "midhip": "hipcentre", "pelvis": "hipcentre", "hipcenter": "hipcentre",
    "hips": "hipcentre", "root": "hipcentre",
    "spinemid": "spine", "spineshoulder": "shouldercentre", "shouldercenter": "shouldercentre", "spinechest": "spine",
    "thorax": "shouldercentre", "spinenavel": "navel",
}  # fmt: skip


def numbered_parts(names: Sequence[str]) -> dict[tuple[str, str], int]:
    """Number joints from 0 by side (``left``, ``right`` or none) and part; of equal ones the first.

    A neck counts as the shoulders' centre where no joint is called so.
    """
    at: dict[tuple[str, str], int] = {}
    for number, name in enumerate(names):
        at.setdefault(_side_and_part(name), number)
    if ("", "neck") in at and ("", "shouldercentre") not in at:
        at["", "shouldercentre"] = at.pop(("", "neck"))
    return at


def parents_by_name(names: Sequence[str]) -> tuple[int, ...]:
    """Return the number of each joint's parent, in order; a joint that hangs on none is its own."""
    at = numbered_parts(names)
    found = [*range(len(names))]
    for (side, part), number in at.items():
        found[number] = next((at[key] for key in _above(side, part) if key in at), number)
    return tuple(found)


def _above(side: str, part: str) -> Iterator[tuple[str, str]]:
    """Yield what a part may hang on, from near to far."""
    for parent in _ABOVE.get(part, ()):
        yield from ((each, parent) for each in dict.fromkeys((side, "")))
    for parent in _ABOVE.get(part, ()):
        yield from _above(side, parent)


def _side_and_part(name: str) -> tuple[str, str]:
    words = re.sub(r"[^a-z]", "", name.lower())
    side = next((each for each in ("left", "right") if each in words), "")
    part = words.replace(side, "") if side else words
    return side, _SAME.get(part, part)
