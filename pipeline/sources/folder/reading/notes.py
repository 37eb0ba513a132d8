"""What reading found and assumed of one stream, for whoever wants to see it."""

from __future__ import annotations

import msgspec


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, and what was done about it.

    Attributes
    ----------
    samples
        That are left, before any cut.
    layout
        How a file is written, in words: delimiter, header, array and axes.
    left_out
        Columns that nobody asked for and that were not taken: those without a name, text of a label.
    sorted
        Samples that stood before an earlier one.
    doubled
        Samples left out, since another one has their time and their values.
    spread
        Samples that shared a time with others, and were given times of their own.
    wrapped
        How often the counter began anew.
    dropped, interpolated
        Samples left out, and samples filled, since a value was missing.
    gaps, longest_gap
        Steps of more than five times the usual one, and the longest of them in seconds.
    rate
        Samples a second, gaps aside; None without times.
    others
        Further bodies in a skeleton's frames, which were not taken.
    flat
        Whether joints had no depth, and z was made 0.
    """

    samples: int = 0
    layout: str = ""
    left_out: tuple[str, ...] = ()
    sorted: int = 0
    doubled: int = 0
    spread: int = 0
    wrapped: int = 0
    dropped: int = 0
    interpolated: int = 0
    gaps: int = 0
    longest_gap: float = 0.0
    rate: float | None = None
    others: int = 0
    flat: bool = False
