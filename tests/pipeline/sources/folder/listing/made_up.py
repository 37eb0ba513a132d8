"""Descriptions of made-up folders, what is read of their files, and listings in brief."""

from __future__ import annotations

from typing import Any

from pipeline.sources.base import Listing
from pipeline.sources.folder.listing.segments import Stretch

WATCH = {"files": "watch/S{subject}A{label}T{session}.csv", "rate": 50}
PHONE = {"files": "phone/{subject}_{label}_{session}.txt", "rate": 100}
LONG: Any = {"imu": {"files": "{subject}.csv", "rate": 100}}


class FakeLook:
    """Says of every file that it goes from 0 to 60 s, and has two labels."""

    def span(self, stream: str, paths: tuple[str, ...]) -> Stretch:
        return Stretch(0.0, 60.0)

    def labelled(self, stream: str, paths: tuple[str, ...]) -> list[Stretch]:
        return [Stretch(5.0, 20.0, "1"), Stretch(20.0, 30.5, "2")]


def brief(listing: Listing) -> list[tuple[str, str, str, str, list[str]]]:
    return [(r.id, r.subject, r.action, r.session, sorted(r.streams)) for r in listing.recordings]


def reasons(listing: Listing) -> dict[str, str]:
    return {item.path: item.reason for item in listing.unparsed}
