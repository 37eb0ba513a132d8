"""Pictures and tables as HTML."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.report.html.markup import Markup, element, prose
from pipeline.report.html.parts import Cards, Cell, Choice, Column, Part, Picture, Row, Section, Table

_TALL = 40  # rows, from which on a table scrolls by itself
_LONG = 60  # characters, from which on a cell's text is broken


def write_section(section: Section) -> Markup:
    """Return a section: heading, what it shows, its parts, and what is to be known of them."""
    pictures = sum(isinstance(part, Picture) for part in section.parts)
    parts = [write_part(part, alone=pictures == 1) for part in section.parts]
    noted = [element("li", prose(note)) for note in section.notes]
    return element(
        "section",
        element("h2", section.title, id=f"{section.id}-title"),
        element("p", prose(section.lead), class_="lead"),
        element("div", parts, class_="parts"),
        element("ul", noted, class_="notes") if noted else "",
        id=section.id,
        class_="half" if section.half else None,
        aria_labelledby=f"{section.id}-title",
    )


def write_part(part: Part, alone: bool = False) -> Markup:
    """Return a part; of several pictures side by side, one does not stand alone."""
    match part:
        case Picture():
            return write_picture(part, alone)
        case Table():
            return write_table(part)
        case Choice():
            return _write_choice(part)
        case Cards():
            cards = [
                element("figure", element("figcaption", card.caption), map(write_picture, card.pictures), class_="card")
                for card in part.cards
            ]
            return element("div", cards, class_="cards")
    return part


def write_picture(picture: Picture, alone: bool = False) -> Markup:
    """Return a picture with its caption, and its table behind a line that opens it."""
    drawn = picture.svg
    if picture.wide:
        drawn = element("div", drawn, class_="scroll", tabindex="0", role="region", aria_label=picture.title)
    table = [write_table(picture.table, f"{picture.table.caption}, as a table")] if picture.table else []
    kind = "wide" if picture.wide else "alone" if alone else None
    return element("figure", element("figcaption", picture.title), drawn, table, class_=kind)


def write_table(table: Table, summary: str = "") -> Markup:
    """Return a table, folded away where it says so, behind a line of this text."""
    columns, rows = table.columns[: table.shown_columns], table.rows[: table.shown_rows]
    titles = element("tr", [_head(column) for column in columns])
    body = [_row(row, columns) for row in rows]
    written = element("table", element("thead", titles), element("tbody", body))
    kind = "scroll tall" if len(rows) > _TALL else "scroll"
    parts = [element("div", written, class_=kind, tabindex="0", role="region", aria_label=table.caption)]
    if note := _left_out(table):
        parts.append(element("p", prose(note), class_="soft"))
    if table.folded:
        return element("details", element("summary", summary or table.caption), parts, class_="table")
    head = element("h3", table.caption) if table.headed else ""
    return element("div", head, parts, class_="table", id=f"table-{table.name}" if table.name == "results" else None)


def _left_out(table: Table) -> str:
    parts = []
    if len(table.rows) > table.shown_rows:
        parts.append(f"{table.shown_rows:,} of {len(table.rows):,} rows")
    if len(table.columns) > table.shown_columns:
        parts.append(f"{table.shown_columns:,} of {len(table.columns):,} columns")
    return f"The first {' and '.join(parts)}; `pipeline report --csv DIR` writes all." if parts else ""


def _head(column: Column) -> Markup:
    button = element("button", column.title, type="button", title=column.about or None)
    return element("th", button, scope="col", class_="n" if column.numeric else None)


def _row(row: Row, columns: Sequence[Column]) -> Markup:
    cells = []
    for at, (cell, column) in enumerate(zip(row.cells, columns, strict=False)):
        content = cell.markup if cell.markup is not None else cell.text
        if at == 0:
            cells.append(element("th", content, scope="row"))
            continue
        kind = "n" if column.numeric else "long" if len(cell.text) > _LONG else None
        cells.append(element("td", content, class_=kind, data_v=_exact(cell)))
    return element("tr", cells, data_m=row.model)


def _exact(cell: Cell) -> str | None:
    return None if cell.value is None else repr(cell.value)


def _write_choice(choice: Choice) -> Markup:
    options = [element("option", name, data_m=picture.model) for name, picture, _ in choice.options]
    shown = [
        element("div", write_picture(picture), write_table(table), class_="option", hidden=at > 0)
        for at, (_, picture, table) in enumerate(choice.options)
    ]
    label = element("label", choice.title, " ", element("select", options), hidden=True)
    return element("div", label, shown, class_="choice")
