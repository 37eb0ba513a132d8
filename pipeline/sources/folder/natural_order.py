"""Names in the order in which people count: frame2 before frame10."""

from __future__ import annotations

import re


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key to sort names by: numbers in them by their value, the rest as text."""
    parts = re.split(r"(\d+)", name)
    return (
        *((1, int(part), "") if part.isdigit() and part.isascii() else (0, 0, part) for part in parts),
        (0, 0, name),
    )
