"""What a source has, as plain values: for text, JSON and the picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from pipeline.inspect.opened import Opened
from pipeline.inspect.source.assumed import assumptions
from pipeline.inspect.source.clipping import Clipped, clipped
from pipeline.inspect.source.clocks import like_clocks
from pipeline.inspect.source.looks import Look
from pipeline.inspect.source.measure import Measure
from pipeline.inspect.source.outliers import far_from_others
from pipeline.inspect.source.units import declared_units, doubtful_units
from pipeline.sources.base import Kind, Modality, Recording


class Spread(msgspec.Struct, frozen=True):
    """The least, the median and the greatest of some values."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """Return the spread of values; None of none."""
        return cls(min(values), float(np.median(values)), max(values)) if len(values) else None


class Far(msgspec.Struct, frozen=True):
    """A recording whose length (``seconds``) or ``magnitude`` is far from the others'; `median` is its class's."""

    recording: str
    what: str
    value: float
    median: float


class Broken(msgspec.Struct, frozen=True):
    """A stream of a recording that cannot be used."""

    recording: str
    reason: str


class StreamFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One stream.

    Attributes
    ----------
    rate
        Nominal, in Hz.
    recordings
        That have it, of all.
    missing
        Those that do not.
    lacked_by
        Subjects, classes and sessions of which no recording has it: ``subject 3``.
    read
        How many were read and can be used.
    rates
        In Hz, of those that have times, gaps aside.
    off_rate
        Recordings whose rate is more than a tenth off the nominal one.
    gaps
        Recordings with steps of more than five times their usual one.
    bursts
        Recordings whose samples come in bursts.
    shapes
        Of one sample or frame, with the number of recordings that have it.
    units, clocks
        In words: units that values speak against, and channels that seem to be clocks.
    """

    name: str
    kind: Kind
    rate: float
    recordings: int
    missing: list[str]
    lacked_by: list[str]
    read: int
    seconds: Spread | None
    rates: Spread | None
    off_rate: list[str]
    gaps: list[str]
    bursts: list[str]
    longest_gap: float
    shapes: dict[str, int]
    assumed: list[str]
    far: list[Far]
    clipped: list[Clipped]
    units: list[str]
    clocks: list[str]
    broken: list[Broken]


class SourceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All of a source; `read` of its `recordings` were read, and `complete` lack no stream, nor is one broken."""

    source: str
    root: str
    recordings: int
    read: int
    complete: int
    classes: dict[str, int]
    subjects: dict[str, int]
    sessions: dict[str, int]
    by_subject: dict[str, dict[str, int]]
    streams: list[StreamFacts]
    unplaced: list[str]


def gather(opened: Opened, looks: Sequence[Look]) -> SourceFacts:
    """Put together what was listed and what was read."""
    rows, source = opened.listing.recordings, opened.source
    counts = Counter(row.action for row in rows)
    subjects = Counter(row.subject for row in rows)
    pairs = Counter((row.subject, row.action) for row in rows)
    ordered = sorted(subjects, key=_natural)
    return SourceFacts(
        source=source.name,
        root=str(source.root),
        recordings=len(rows),
        read=len(looks),
        complete=_complete(opened, looks),
        classes={name: counts[name] for name in source.classes},
        subjects={name: subjects[name] for name in ordered},
        sessions=dict(sorted(Counter(row.session for row in rows).items(), key=lambda each: _natural(each[0]))),
        by_subject={who: {name: pairs[who, name] for name in source.classes} for who in ordered},
        streams=[_stream(opened, looks, name, modality) for name, modality in opened.streams.items()],
        unplaced=[f"{each.path}: {each.reason}" for each in opened.listing.unparsed],
    )


def _stream(opened: Opened, looks: Sequence[Look], name: str, modality: Modality) -> StreamFacts:
    rows = opened.listing.recordings
    measures = [look.measures[name] for look in looks if name in look.measures]
    missing = [row.id for row in rows if not row.streams.get(name)]
    channels = max((int(np.prod(each.shape)) for each in measures), default=0)
    rates = [(each.recording, each.timing.rate) for each in measures if each.timing.rate is not None]
    with_gaps = sorted((each for each in measures if each.timing.gaps), key=lambda each: -each.timing.longest_gap)
    return StreamFacts(
        name=name,
        kind=modality.kind,
        rate=modality.rate,
        recordings=len(rows) - len(missing),
        missing=missing,
        lacked_by=_lacked_by(rows, name) if missing else [],
        read=len(measures),
        seconds=Spread.of([each.seconds for each in measures]),
        rates=Spread.of([rate for _, rate in rates]),
        off_rate=[recording for recording, rate in rates if not 0.9 <= rate / modality.rate <= 1.1],
        gaps=[each.recording for each in with_gaps],
        bursts=[each.recording for each in measures if each.timing.bursts],
        longest_gap=with_gaps[0].timing.longest_gap if with_gaps else 0.0,
        shapes=dict(Counter(" x ".join(map(str, each.shape)) for each in measures).most_common()),
        assumed=assumptions(measures, modality),
        far=_far(measures, {look.recording.id: look.recording.action for look in looks}),
        clipped=clipped(measures) if modality.kind == "series" else [],
        units=doubtful_units(modality.kind, declared_units(opened.source, name, channels), measures),
        clocks=like_clocks(measures),
        broken=[Broken(look.recording.id, look.broken[name]) for look in looks if name in look.broken],
    )


def _complete(opened: Opened, looks: Sequence[Look]) -> int:
    broken = {look.recording.id for look in looks if look.broken}
    rows = (row for row in opened.listing.recordings if row.id not in broken)
    return sum(all(row.streams.get(name) for name in opened.streams) for row in rows)


def _lacked_by(rows: Sequence[Recording], stream: str) -> list[str]:
    found = []
    for what, of in (("subject", "subject"), ("class", "action"), ("session", "session")):
        groups = dict.fromkeys(getattr(row, of) for row in rows)
        having = {getattr(row, of) for row in rows if row.streams.get(stream)}
        found += [f"{what} {name}" for name in sorted(groups.keys() - having, key=_natural)]
    return found


def _far(measures: Sequence[Measure], classes: Mapping[str, str]) -> list[Far]:
    found = []
    for what in ("seconds", "magnitude"):
        known = [(each.recording, value) for each in measures if (value := getattr(each, what)) is not None]
        values = [value for _, value in known]
        far = far_from_others(values, [classes[recording] for recording, _ in known])
        found += [Far(known[each.at][0], what, values[each.at], each.median) for each in far]
    return found


def _natural(name: str) -> tuple[int, int, str]:
    return (0, int(name), name) if name.isdecimal() else (1, 0, name)
