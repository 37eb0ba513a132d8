"""Numbers and lists as people write them."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, what: str) -> str:
    """Write a count with its noun: ``1 step``, ``1,200 steps``."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def shortened(items: Sequence[str], most: int, what: str = "more") -> list[str]:
    """Return the first `most` items, and what says how many there are beside them: ``and 3 more``."""
    return [*items[:most], *([f"and {len(items) - most:,} {what}"] if len(items) > most else [])]


def cut(text: str, width: int) -> str:
    """Return a text, its end replaced by dots where it is too long."""
    return text if len(text) <= width else f"{text[: width - 3]}..."


def shortened_middle(text: str, width: int) -> str:
    """Return a text, its middle replaced by dots where it is too long: beginning and end tell names apart."""
    if len(text) <= width:
        return text
    kept = max(width - 3, 1)
    return f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"


def size(count: float) -> str:
    """Write bytes as people say them: ``831 bytes``, ``4.2 MB``; 1 MB = 10^6 bytes."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float) -> str:
    """Write seconds as people say them: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def encodable(text: str) -> str:
    """Return a text that can be encoded: what UTF-8 has no way to write (bytes of a file's name) as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
