"""What a stages file's text says, remembered: YAML takes longer to import and to read than most plans to make."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from pipeline.keys.cache import cache_folder, read_cache, write_cache


class Parsed(msgspec.Struct, frozen=True):
    """A stages file's values, and the line of every dotted key."""

    values: dict[str, Any]
    lines: dict[str, int]


def recall(text: str) -> Parsed | None:
    """Return what a text was found to say, or None."""
    try:
        content = read_cache(_place(text))
        return None if content is None else msgspec.json.decode(content, type=Parsed)
    except msgspec.DecodeError:  # of another version
        return None


def remember(text: str, parsed: Parsed) -> None:
    """Keep what a text says, where JSON can say it too; losing it costs only time."""
    with suppress(OverflowError, TypeError, ValueError):
        content = msgspec.json.encode(parsed)
        if msgspec.json.decode(content, type=Parsed) == parsed:  # not so of dates, or of numbers as keys
            write_cache(_place(text), content)


def _place(text: str) -> Path:
    reader = Path(__file__).with_name("reader.py").read_bytes()  # other code may read it otherwise
    return cache_folder() / "stagesfiles" / f"{sha256(reader + text.encode()).hexdigest()}.cache"
