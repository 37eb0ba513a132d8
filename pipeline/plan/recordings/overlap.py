"""Test recordings that share samples with training ones: windows of one stretch that overlap."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any

from pipeline.sources.base import Recording

_ROUNDING = 1e-6  # seconds: of windows' starts and ends


class Overlap:
    """Counts what rows of a table share; what all folds have in common is found once, when the first asks."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._recordings = recordings

    def count(self, train: Iterable[int], test: Iterable[int]) -> int:
        """Return how many test rows share samples with training ones."""
        if not self._stretches:
            return 0
        training: dict[int, list[tuple[float, float]]] = {}
        for stretch, start, end in self._parts(train):
            training.setdefault(stretch, []).append((start, end))
        starts, last_ends = {}, {}
        for stretch, parts in training.items():
            parts.sort()
            starts[stretch] = [start for start, _ in parts]
            last_ends[stretch] = [*accumulate((end for _, end in parts), max)]
        count = 0
        for stretch, start, end in self._parts(test):
            before = bisect_left(starts.get(stretch, ()), end - _ROUNDING)
            count += before > 0 and last_ends[stretch][before - 1] > start + _ROUNDING
        return count

    def _parts(self, rows: Iterable[int]) -> Iterable[tuple[int, float, float]]:
        """Yield the stretch, the start and the end of those that are parts of one."""
        for row in rows:
            start, end = self._recordings[row].start, self._recordings[row].end
            if start is not None and end is not None:
                yield self._stretches[row], start, end

    @cached_property
    def _stretches(self) -> array[int]:
        """The number of each row's stretch; nothing where all recordings are whole files."""
        if all(each.start is None for each in self._recordings):
            return array("q")
        numbers: dict[Any, int] = {}
        return array("q", (numbers.setdefault(_stretch(each), len(numbers)) for each in self._recordings))


def _stretch(recording: Recording) -> Any:
    """Return what windows of one stretch have in common: whose samples they are of, of which files."""
    files = next(iter(recording.streams.values()), ())
    r = recording
    return r.subject, r.action, r.session, r.scene, r.view, files, tuple(sorted(r.columns.items()))
