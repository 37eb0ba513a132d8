"""What reading found and assumed of a stream, over all recordings that were read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from pipeline.formatting import counted, shortened
from pipeline.inspect.source.measure import Measure
from pipeline.sources.base import Modality

_MOST = 3  # ways of writing that are named
_SIZES = re.compile(r"\d+(?: x \d+)*$")

# A count of `Notes`: of what, and what was done about it.
_COUNTS: dict[str, tuple[str, str]] = {
    "sorted": ("sample", "stood before an earlier one: put in order of time"),
    "doubled": ("sample", "had the time and the values of another: left out"),
    "spread": ("sample", "shared a time with others: spread over the time to the next"),
    "wrapped": ("time", "the counter began anew: counted on"),
    "dropped": ("sample", "lacked a value or a time: left out"),
    "interpolated": ("value", "missing: interpolated in time"),
    "others": ("further skeleton", "in frames: not taken"),
}


def assumptions(measures: Sequence[Measure], modality: Modality) -> list[str]:
    """Say what was assumed, each once, with how many recordings it holds for where these are not all."""
    timeless = [each for each in measures if each.timing.rate is None and each.samples > 1]
    said = []
    if timeless:
        said.append(f"no times: {modality.rate:g} Hz taken, the nominal rate{_of(len(timeless), len(measures))}")
    noted = [each.notes for each in measures if each.notes is not None]
    layouts = layouts_of([notes.layout for notes in noted if notes.layout])
    said += shortened([f"{layout}{_of(count, len(measures))}" for layout, count in layouts], _MOST, "ways of writing")
    for columns, count in Counter(notes.left_out for notes in noted if notes.left_out).most_common(_MOST):
        said.append(f"columns not taken: {', '.join(columns)}{_of(count, len(measures))}")
    for name, (noun, words) in _COUNTS.items():
        counts = [count for notes in noted if (count := int(getattr(notes, name)))]
        if counts:
            said.append(f"{counted(sum(counts), noun)} {words}, in {counted(len(counts), 'recording')}")
    if flat := sum(notes.flat for notes in noted):
        said.append(f"joints have no depth: z is 0{_of(flat, len(measures))}")
    return said


def layouts_of(layouts: Sequence[str]) -> list[tuple[str, int]]:
    """Count how files are written, most first; arrays that differ in size alone are one: ``array 80-300 x 20 x 3``."""
    groups: dict[tuple[str, int], list[list[int]]] = {}
    for layout in layouts:
        found = _SIZES.search(layout) if layout.startswith("array") else None
        sizes = [int(size) for size in found[0].split(" x ")] if found else []
        groups.setdefault((layout[: found.start()] if found else layout, len(sizes)), []).append(sizes)
    named = {
        before + " x ".join(_range([each[axis] for each in given]) for axis in range(axes)): len(given)
        for (before, axes), given in groups.items()
    }
    return sorted(named.items(), key=lambda each: -each[1])


def _range(sizes: Sequence[int]) -> str:
    least, most = min(sizes), max(sizes)
    return f"{least}" if least == most else f"{least}-{most}"


def _of(some: int, all_: int) -> str:
    return "" if some == all_ else f" ({some:,} of {all_:,})"
