"""How names of one kind are made: runs of letters, digits and separators, which are the same in all or vary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from pipeline.init.names.words import is_activity, is_modifier

_DATE = r"20\d\d[-_.]\d\d[-_.]\d\d(?:[-_ T]\d\d[-_.:]?\d\d(?:[-_.:]?\d\d)?)?(?!\d)"
_RUNS = re.compile(rf"{_DATE}|\d+|[^\W\d_]+|[\W_]")


@dataclass(eq=False)
class Part:
    """What varies in a name.

    Attributes
    ----------
    before
        The letters right before it, also those that a separator follows, in lower case.
    digits
        Whether it is a run of digits.
    folder
        Whether it stands in the name of a folder.
    values
        Of each file, in the order of the group's paths.
    """

    before: str
    digits: bool
    folder: bool
    values: list[str] = field(default_factory=list)
    date: bool = False

    @property
    def one_word(self) -> bool:
        """Whether it says the same in all names, in capitals here and small letters there."""
        return not self.digits and len({value.casefold() for value in self.distinct}) == 1

    @property
    def distinct(self) -> dict[str, int]:
        """How many files have each value."""
        return Counter(self.values)


Piece: TypeAlias = str | Part


def runs(text: str) -> list[str]:
    """Split a name into dates, runs of digits, runs of letters, and single separators."""
    return _RUNS.findall(text)


def signature(text: str) -> tuple[str, ...]:
    """Return what kinds of runs a name has: ``D`` digits, ``L`` letters, ``T`` dates, and separators as they are."""
    return tuple(map(_kind, runs(text)))


def pieces_of(names: Sequence[str], *, folder: bool) -> list[Piece]:
    """Find how most of some names are made: from those that have the same runs, with like neighbours joined.

    Parameters
    ----------
    names
        Different ones, at least one.
    """
    (common, _), *_ = Counter(map(signature, names)).most_common(1)
    alike = [runs(name) for name in names if signature(name) == common]
    pieces: list[Piece] = []
    for kind, column in zip(common, zip(*alike, strict=True), strict=True):
        if len({*column}) == 1:
            pieces.append(column[0])
        else:
            pieces.append(Part(_before(pieces), kind == "D", folder, list(column), date=kind == "T"))
    return joined(_merged(pieces, [*map("".join, alike)]))


def regex_of(pieces: Sequence[Piece]) -> re.Pattern[str]:
    """Return what fits names that are made so; a group for each part."""
    return re.compile("".join(re.escape(each) if isinstance(each, str) else _any(each) for each in pieces))


def _any(part: Part) -> str:
    return r"(\d+)" if part.digits else f"({_DATE})" if part.date else r"([^/]+?)"


def _kind(run: str) -> str:
    if run.isdigit():
        return "D"
    return "T" if run[0].isdigit() else "L" if run[0].isalnum() else run


def _before(pieces: Sequence[Piece]) -> str:
    for piece in reversed(pieces[-2:]):
        text = next(iter(piece.values)) if isinstance(piece, Part) and piece.one_word else piece
        if not isinstance(text, str):
            return ""
        if text[0].isalpha():
            return text.lower()
    return ""


def _merged(pieces: list[Piece], names: Sequence[str]) -> list[Piece]:
    """Join words of one name: neighbours of which one says the other (``sit_down``), or says how (``stand_up``)."""
    at = 0
    while at + 2 < len(pieces):
        first, between, second = pieces[at : at + 3]
        if not isinstance(first, Part) or not isinstance(second, Part) or not isinstance(between, str):
            at += 1
        elif len(between) == 1 and _belong(first, second, between):
            values = [f"{a}{between}{b}" for a, b in zip(first.values, second.values, strict=True)]
            pieces[at : at + 3] = [Part(first.before, False, first.folder, values)]
        else:
            at += 1
    return pieces


def _belong(first: Part, second: Part, between: str) -> bool:
    if first.digits or second.digits or first.date or second.date:
        return False
    pairs = len({*zip(first.values, second.values, strict=True)})
    one, two = len(first.distinct), len(second.distinct)
    if all(is_modifier(each) for each in second.distinct):
        return True
    return between in "_- " and pairs == max(one, two) and _is_any_activity(first) == _is_any_activity(second)


def _is_any_activity(part: Part) -> bool:
    """Tell whether some values of a part are what people do."""
    return any(is_activity(each) for each in part.distinct)


def joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Join constant runs."""
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        else:
            found.append(piece)
    return found
