"""Digests of the rows of an encode output: recipes alike but for the recordings, and equal digests, give equal rows."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.plan.recordings.table import Table
from pipeline.sources.base import Recording
from store.canonical import digest


def row_digests(table: Table, streams: Sequence[str]) -> list[str]:
    """Return each recording's digest, in row order: its id, start and end, and the content of its files of `streams`.

    A digest that was taken from the lock counts as one that was hashed here: an output's key and rows say of which
    files they are the features, and that is true of a copied row whatever lies on this machine.
    """
    return [digest([r.id, r.start, r.end, [_content(table, r, s) for s in streams]]) for r in table.listing.recordings]


def _content(table: Table, recording: Recording, stream: str) -> list[object]:
    raw = table.raw[stream]
    if not raw.files:  # a generator: the digest of its recipe stands for the files of all recordings
        return [stream, raw.digest]
    return [stream, [list(raw.files[path]) for path in recording.streams.get(stream, ())]]
