"""Findings as people and as programs read them."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from pipeline.doctor.finding import Finding
from pipeline.formatting import counted
from store import redact_secrets

_INDENT = " " * 11


def as_text(found: Sequence[Finding], width: int) -> str:
    """Write findings by topic, a line each, with the repair below; then how many problems and notes there are."""
    levels = Counter(each.level for each in found)
    parts = [counted(levels[level], level) for level in ("problem", "note") if levels[level]] or [
        "nothing is to be repaired"
    ]
    return "\n".join([*_lines(found, max(width, 40)), "", ", ".join(parts)])


def as_json(found: Sequence[Finding]) -> dict[str, Any]:
    """Return findings for ``--json``."""
    listed = [{**each._asdict(), "what": redact_secrets(each.what), "repair": each.repair or None} for each in found]
    return {"problems": sum(each.level == "problem" for each in found), "findings": listed}


def _lines(found: Sequence[Finding], width: int) -> Iterator[str]:
    for topic, group in groupby(found, lambda each: each.topic):
        yield topic
        for each in group:
            yield from _wrapped(f"  {each.level:<9}", redact_secrets(each.what), width)
            if each.repair:
                yield from _wrapped(f"{_INDENT}-> ", redact_secrets(each.repair), width)


def _wrapped(begin: str, text: str, width: int) -> list[str]:
    indent = " " * len(begin)
    wrapped = textwrap.wrap(
        text, width, initial_indent=begin, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return wrapped or [begin]
