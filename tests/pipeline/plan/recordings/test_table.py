"""What stands in which row is part of an encode key, stretches of longer files included."""

from __future__ import annotations

from msgspec.structs import replace

from pipeline.plan.recordings.table import Table
from pipeline.sources.base import Listing, Recording


def rows(*recordings: Recording) -> str:
    return Table(Listing(recordings), {}).rows_digest


def test_rows_are_told_by_recording_order_and_stretch() -> None:
    a, b = (Recording(id, "1", "walk", "1") for id in "ab")
    digests = {rows(a, b), rows(b, a), rows(a), rows(replace(a, start=0.0, end=2.0), b), rows(replace(a, start=1.0), b)}
    assert len(digests) == 5


def test_labels_are_no_part_of_them() -> None:
    a = Recording("a", "1", "walk", "1")
    assert rows(a) == rows(replace(a, action="run", subject="2"))
