"""What a report is made of: sections of pictures and tables, before anybody decides how they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.report.html.markup import Markup


@dataclass(frozen=True)
class Column:
    """A column of a table; numbers stand to the right."""

    title: str
    numeric: bool = False
    about: str = ""
    named: str = ""  # in a file of the table alone; empty: its title


@dataclass(frozen=True)
class Cell:
    """What a cell shows, and what is behind it in all its digits: the value, which is sorted by, or a text for CSV."""

    text: str
    value: float | int | None = None
    markup: Markup | None = None  # shown in place of the text
    exact: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a table; `model` is the number of the model that it is about."""

    cells: Sequence[Cell]
    model: int | None = None


@dataclass(frozen=True)
class Table:
    """A table, whole; the page shows the first rows and columns of a large one and says so."""

    name: str  # of its file
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    shown_rows: int = 200
    shown_columns: int = 12
    folded: bool = True  # behind a line that opens it
    headed: bool = False  # its caption above it, where it is not folded


@dataclass(frozen=True)
class Picture:
    """A drawing with the table of what it shows."""

    name: str  # of its file
    title: str
    svg: Markup
    table: Table | None = None  # None: the table beside it in the section shows the same
    wide: bool = False
    model: int | None = None


@dataclass(frozen=True)
class Choice:
    """Pictures of which one is shown at a time, chosen by name, each beside a short table."""

    title: str
    options: Sequence[tuple[str, Picture, Table]]


@dataclass(frozen=True)
class Card:
    """A thing of several: what it is, and its pictures, small."""

    caption: Markup
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Cards:
    """Cards side by side."""

    cards: Sequence[Card]


Part = Picture | Table | Choice | Cards | Markup


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading."""

    id: str
    title: str
    lead: str
    parts: Sequence[Part]
    notes: Sequence[str] = field(default_factory=tuple)
    half: bool = False  # may stand beside another one


def text(value: object) -> Cell:
    """Return a cell of text."""
    return Cell(str(value))


def percent(value: float | None, decimals: int = 2) -> Cell:
    """Return a cell of a percentage; a dash for None."""
    return Cell("–") if value is None else Cell(f"{value:.{decimals}f}", value)


def count(value: int | None) -> Cell:
    """Return a cell of a whole number; a dash for None."""
    return Cell("–") if value is None else Cell(f"{value:,}", value)


def pictures_of(section: Section) -> Iterator[Picture]:
    """Yield a section's pictures, those that wait to be chosen too."""
    for part in section.parts:
        match part:
            case Picture():
                yield part
            case Choice():
                yield from (picture for _, picture, _ in part.options)
            case Cards():
                yield from (picture for card in part.cards for picture in card.pictures)


def tables_of(section: Section) -> Iterator[Table]:
    """Yield a section's tables and those of its pictures, each once."""
    tables = [part for part in section.parts if isinstance(part, Table)]
    tables += [picture.table for picture in pictures_of(section) if picture.table]
    yield from {table.name: table for table in tables}.values()
