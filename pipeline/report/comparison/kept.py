"""What two models' answers come to beside each other: read once, since outputs never change, and kept as a cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from pipeline.keys.cache import cache_folder, read_cache, write_cache
from pipeline.report.comparison.answers import Answers
from pipeline.report.results import Evaluation
from store.canonical import digest


class Compared(msgspec.Struct, frozen=True):
    """Two models' answers with the same seeds.

    Attributes
    ----------
    subjects
        That both tested.
    cells
        One model's top-1 minus the other's, in points, by seed and subject.
    differing, recordings
        How many answers differ, by seed, of how many recordings.
    """

    subjects: list[str]
    cells: list[list[float]]
    differing: list[int]
    recordings: int


Read = Callable[[Sequence[Evaluation]], Mapping[int, Answers]]


def compared(own: Sequence[Evaluation], other: Sequence[Evaluation], seeds: Sequence[int], read: Read) -> Compared:
    """Return what evaluations of two models come to, for seeds that both have whole."""
    file = _file(own, other, seeds)
    content = read_cache(file)
    if content is not None:
        try:
            return msgspec.json.decode(content, type=Compared)
        except msgspec.ValidationError:
            pass  # of another version
    found = _compare(read(own), read(other), seeds)
    write_cache(file, msgspec.json.encode(found))
    return found


def _compare(own: Mapping[int, Answers], other: Mapping[int, Answers], seeds: Sequence[int]) -> Compared:
    subjects = sorted(set.intersection(*(each[seed].subjects for seed in seeds for each in (own, other))))
    cells = []
    for seed in seeds:
        first, second = own[seed].by_subject(), other[seed].by_subject()
        cells.append([first[subject] - second[subject] for subject in subjects])
    differing = [_differing(own[seed], other[seed]) for seed in seeds]
    return Compared(subjects, cells, differing, len(own[seeds[0]].predicted))


def _differing(one: Answers, other: Answers) -> int:
    return sum(other.predicted.get(place, answer) != answer for place, answer in one.predicted.items())


def _file(own: Sequence[Evaluation], other: Sequence[Evaluation], seeds: Sequence[int]) -> Path:
    read = [
        sorted([each.label["seed"], each.label["fold"], each.key] for each in side if each.label["seed"] in seeds)
        for side in (own, other)
    ]
    return cache_folder() / "compared" / f"{digest(read)}.json"
