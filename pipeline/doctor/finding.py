"""What was found, and how it is repaired."""

from __future__ import annotations

from typing import Literal, NamedTuple

Level = Literal["ok", "note", "problem"]


class Finding(NamedTuple):
    """One line: how it is, what is so, and how to repair it; the latter is empty where there is nothing to repair."""

    level: Level
    topic: str
    what: str
    repair: str = ""


def ok(topic: str, what: str) -> Finding:
    """Say that something is as it should be."""
    return Finding("ok", topic, what)


def note(topic: str, what: str, repair: str = "") -> Finding:
    """Say what a run does without, or what may surprise."""
    return Finding("note", topic, what, repair)


def problem(topic: str, what: str, repair: str) -> Finding:
    """Say what keeps a run from its work."""
    return Finding("problem", topic, what, repair)


def of_error(topic: str, error: Exception) -> Finding:
    """Say what an error says: its first line, and as the repair those that follow."""
    first, _, rest = str(error).partition("\n")
    return problem(topic, first.rstrip(), " ".join(rest.split()) or "see the message, and look again")
