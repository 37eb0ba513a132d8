"""How well a stream was recognised, frame by frame and event by event.

Categories are those of Ward, Lukowicz and Gellersen, "Performance metrics for activity recognition", ACM TIST 2(1),
2011: an error's name follows from what is beside it. Frames are infinitely short here: what counts is time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal

from pipeline.edge.stream.labels import Stretch

Frame = Literal[
    "true positive", "true negative", "substitution",
    "deletion", "fragmentation", "underfill at the start", "underfill at the end",
    "insertion", "merge", "overfill at the start", "overfill at the end",
]  # fmt: skip
FRAMES: tuple[Frame, ...] = (
    "true positive", "true negative", "substitution",
    "deletion", "fragmentation", "underfill at the start", "underfill at the end",
    "insertion", "merge", "overfill at the start", "overfill at the end",
)  # fmt: skip
TRUE_EVENTS = ("correct", "deleted", "fragmented", "merged", "fragmented and merged")
FOUND_EVENTS = ("correct", "inserted", "fragmenting", "merging", "fragmenting and merging")


@dataclass(frozen=True)
class Segment:
    """A stretch in which neither the truth nor what was found changes; None is the null class."""

    seconds: float
    truth: str | None
    found: str | None


@dataclass(frozen=True)
class Judgement:
    """Figures of one recording.

    Attributes
    ----------
    accuracy
        Share of the time that has its true label, the null class included.
    macro_f1
        Mean over the classes that are true or found at some time, the null class included.
    frames
        Seconds of each category; they add up to all of the time.
    true_events, found_events
        Numbers of events of each category.
    """

    seconds: float
    accuracy: float
    macro_f1: float
    classes: int
    frames: dict[str, float]
    true_events: dict[str, int]
    found_events: dict[str, int]


def judge(truth: Sequence[Stretch], found: Sequence[Stretch], start: float, end: float) -> Judgement:
    """Compare what was found with the truth, from a time until another; each is sorted and does not overlap itself."""
    truth, found = within(truth, start, end), within(found, start, end)
    segments = segments_of(truth, found, start, end)
    seconds = sum(each.seconds for each in segments)
    right = sum(each.seconds for each in segments if each.truth == each.found)
    scores = _f1(segments)
    frames: dict[str, float] = dict.fromkeys(FRAMES, 0.0)
    for segment, category in zip(segments, frame_categories(segments), strict=True):
        frames[category] += segment.seconds
    true_events, found_events = event_categories(truth, found)
    return Judgement(
        seconds=seconds,
        accuracy=right / seconds if seconds else 0.0,
        macro_f1=sum(scores) / len(scores) if scores else 0.0,
        classes=len(scores),
        frames=frames,
        true_events={each: true_events.count(each) for each in TRUE_EVENTS},
        found_events={each: found_events.count(each) for each in FOUND_EVENTS},
    )


def within(stretches: Iterable[Stretch], start: float, end: float) -> list[Stretch]:
    """Cut stretches to a span of time."""
    cut = (Stretch(max(each.start, start), min(each.end, end), each.label) for each in stretches)
    return [each for each in cut if each.start < each.end]


def segments_of(truth: Sequence[Stretch], found: Sequence[Stretch], start: float, end: float) -> list[Segment]:
    """Return the segments of a span of time, in their order."""
    edges = sorted({start, end, *(edge for each in (*truth, *found) for edge in (each.start, each.end))})
    segments, places = [], [0, 0]
    for low, high in pairwise(edges):
        labels: list[str | None] = []
        for i, stretches in enumerate((truth, found)):
            while places[i] < len(stretches) and stretches[places[i]].end <= low:
                places[i] += 1
            here = stretches[places[i]] if places[i] < len(stretches) else None
            labels.append(here.label if here and here.start <= low else None)
        segments.append(Segment(high - low, *labels))
    return segments


def _f1(segments: Sequence[Segment]) -> list[float]:
    true, found, both = Counter[str | None](), Counter[str | None](), Counter[str | None]()
    for each in segments:
        true[each.truth] += each.seconds  # type: ignore[assignment]  # seconds, not a number of things
        found[each.found] += each.seconds  # type: ignore[assignment]
        both[each.truth] += each.seconds if each.truth == each.found else 0  # type: ignore[assignment]
    return [2 * both[each] / (true[each] + found[each]) for each in {*true, *found}]


def frame_categories(segments: Sequence[Segment]) -> list[Frame]:
    """Return each segment's category; of an error by what its class is before and after (the paper's section 3)."""
    categories: list[Frame] = ["true negative"] * len(segments)
    for i, each in enumerate(segments):
        if each.truth is not None and each.found is not None:
            categories[i] = "true positive" if each.truth == each.found else "substitution"
    for label in {each for segment in segments for each in (segment.truth, segment.found)} - {None}:
        for places, kind, before, after in _runs(segments, label):
            for i in places:
                if kind == (True, False) and segments[i].found is None:
                    categories[i] = _missed(before, after)
                elif kind == (False, True) and segments[i].truth is None:
                    categories[i] = _false(before, after)
    return categories


Kind = tuple[bool, bool]  # whether a class is true, and found


def _runs(segments: Sequence[Segment], label: str | None) -> list[tuple[list[int], Kind, bool, bool]]:
    """Return runs of one kind by a class: their segments, the kind, and whether the class is right before and after."""
    kind: Callable[[int], Kind] = lambda i: (segments[i].truth == label, segments[i].found == label)  # noqa: E731
    runs = [(key, [*places]) for key, places in groupby(range(len(segments)), kind)]
    right = [False, *(key == (True, True) for key, _ in runs), False]
    return [(places, key, right[i], right[i + 2]) for i, (key, places) in enumerate(runs)]


def _missed(right_before: bool, right_after: bool) -> Frame:
    if right_before and right_after:
        return "fragmentation"
    if right_after:
        return "underfill at the start"
    return "underfill at the end" if right_before else "deletion"


def _false(right_before: bool, right_after: bool) -> Frame:
    if right_before and right_after:
        return "merge"
    if right_after:
        return "overfill at the start"
    return "overfill at the end" if right_before else "insertion"


def event_categories(truth: Sequence[Stretch], found: Sequence[Stretch]) -> tuple[list[str], list[str]]:
    """Return each true event's category, and each found one's (the paper's section 4).

    A true event is fragmented where several found ones of its label overlap it, and merged where one of these
    overlaps another true event of the label, too; found ones are fragmenting and merging in the same cases.
    """
    over = [[j for j, other in enumerate(found) if _meet(each, other)] for each in truth]
    under = [[i for i, other in enumerate(truth) if _meet(other, each)] for each in found]
    true_events = [
        _category(bool(some), len(some) > 1, any(len(under[j]) > 1 for j in some), TRUE_EVENTS) for some in over
    ]
    found_events = [
        _category(bool(some), any(len(over[i]) > 1 for i in some), len(some) > 1, FOUND_EVENTS) for some in under
    ]
    return true_events, found_events


def _meet(one: Stretch, other: Stretch) -> bool:
    return one.label == other.label and min(one.end, other.end) > max(one.start, other.start)


def _category(met: bool, fragmented: bool, merged: bool, names: Sequence[str]) -> str:
    correct, alone, in_parts, joined, both = names
    if not met:
        return alone
    return {(False, False): correct, (True, False): in_parts, (False, True): joined, (True, True): both}[
        fragmented, merged
    ]


def text(judgement: Judgement) -> str:
    """Return the figures as a table for people."""
    lines = [
        f"{judgement.seconds:.1f} s, accuracy {judgement.accuracy:.2%}, macro F1 {judgement.macro_f1:.2%} "
        f"({judgement.classes} classes, no activity included)"
    ]
    tables: tuple[tuple[str, dict[str, float] | dict[str, int], str], ...] = (
        ("time", judgement.frames, "9.1f"),
        ("true events", judgement.true_events, "9d"),
        ("events found", judgement.found_events, "9d"),
    )
    for title, figures, form in tables:
        total = sum(figures.values())
        lines += ["", f"{title:24}{'seconds' if title == 'time' else 'number':>9}        %"]
        lines += [
            f"{name:24}{value:{form}}{100 * value / total if total else 0:9.2f}" for name, value in figures.items()
        ]
    return "\n".join(lines)
