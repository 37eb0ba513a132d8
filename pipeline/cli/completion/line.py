"""A command line as far as the cursor, taken apart as the shell does, and text that a shell takes as it was meant."""

from __future__ import annotations

import re
from typing import NamedTuple

_PLAIN = re.compile(r"[^\w./:=,+@%^-]")  # what else has a meaning to some shell somewhere
_IN_DOUBLE_QUOTES = re.compile(r'([\\$`"])')


class Line(NamedTuple):
    """What was typed.

    Attributes
    ----------
    words
        The whole words before the cursor, without quotes.
    last
        The word at the cursor, without quotes; empty where none is begun.
    kept
        How many characters of the last word the shell leaves alone: its editor replaces what follows these.
    quote
        The quote that is open at the cursor, or nothing.
    """

    words: list[str]
    last: str
    kept: int
    quote: str


def parse_line(text: str, breaks: str = "") -> Line:
    """Take a line apart; `breaks` are the characters at which the shell's editor begins a word, as at spaces."""
    words: list[str] = []
    last, kept, quote, begun = "", 0, "", False
    characters = iter(text)
    for character in characters:
        if character == "\\" and quote != "'":
            following = next(characters, "")
            literal = quote and following not in '\\$`"'
            last, begun = last + (f"\\{following}" if literal else following), True
        elif quote:
            last += "" if character == quote else character
            if character == quote:
                quote, kept = "", len(last)
        elif character in "'\"":
            quote, kept, begun = character, len(last), True
        elif character.isspace():
            words += [last] if begun else []
            last, kept, begun = "", 0, False
        else:
            last, begun = last + character, True
            kept = len(last) if character in breaks else kept
    return Line(words, last, kept, quote)


def quoted(text: str, quote: str) -> str:
    """Write text so that a shell reads it as it is, within an open quote or outside of any."""
    if quote == "'":
        return text.replace("'", r"'\''")
    if quote:
        return _IN_DOUBLE_QUOTES.sub(r"\\\1", text)
    return _PLAIN.sub(lambda found: f"\\{found[0]}", text)
