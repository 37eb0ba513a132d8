"""The report's files: the page, and its pictures and tables each by itself."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from pipeline.report.formats.latex import latex_text
from pipeline.report.formats.sheets import results_sheet
from pipeline.report.html.gather.report import Report
from pipeline.report.html.page import MADE_BY
from pipeline.report.html.palette import resolved
from pipeline.report.html.parts import Cell, Column, Picture, Section, Table, pictures_of, tables_of
from pipeline.report.html.places import write_files
from pipeline.report.html.sections.front import front_cells, front_names
from pipeline.report.results import METRICS
from pipeline.terminal import harmless

Part = TypeVar("Part", Picture, Table)


def write_pictures(folder: Path, sections: Sequence[Section]) -> int:
    """Write every picture as an SVG that needs no page; return how many."""
    named = named_parts(picture for section in sections for picture in pictures_of(section))
    write_files(folder, ".svg", {name: standing_alone(each) for name, each in named.items()})
    return len(named)


def write_tables(folder: Path, sections: Sequence[Section]) -> int:
    """Write every table whole as CSV, numbers in all their digits; return how many."""
    named = named_parts(table for section in sections for table in tables_of(section))
    write_files(folder, ".csv", {name: as_csv(each) for name, each in named.items()})
    return len(named)


def standing_alone(picture: Picture) -> str:
    """Return a picture as a file of its own: with its style, and colours for a light ground."""
    style = resolved(files("pipeline.report.html").joinpath("picture.css").read_text(encoding="utf-8"))
    opened, _, rest = picture.svg.removeprefix("<svg").partition(">")
    return f'<svg xmlns="http://www.w3.org/2000/svg"{opened}><style>{style}</style>{rest}\n'


def as_csv(table: Table) -> str:
    """Return a table as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([harmless(column.named or column.title) for column in table.columns])
    for row in table.rows:
        writer.writerow(_whole(column, cell) for column, cell in zip(table.columns, row.cells, strict=True))
    return text.getvalue()


def _whole(column: Column, cell: Cell) -> str | float:
    """Return all that is behind a cell; nothing where a figure is missing."""
    if cell.value is not None:
        return cell.value
    return cell.exact or ("" if column.numeric or cell.text == "–" else harmless(cell.text))


def as_latex(report: Report) -> str:
    """Return the results for LaTeX, as papers have them."""
    rows = [
        (tuple(front_cells(report, experiment, model, "-")), model.rows[metric])
        for experiment, model in report.lines
        for metric in METRICS
        if metric in model.rows
    ]
    table = latex_text(results_sheet(rows, tuple(front_names(report)))) if rows else "% no figures yet"
    return f"% {MADE_BY}\n{table}\n"


def named_parts(parts: Iterator[Part]) -> Mapping[str, Part]:
    """Give each picture or table a name that a file can have, and that no other has."""
    named: dict[str, Part] = {}
    for part in parts:
        name = plain = re.sub(r"[^\w.-]+", "-", part.name).strip(".-")[:50] or "part"
        number = 2
        while name in named:
            name, number = f"{plain}-{number}", number + 1
        named[name] = part
    return named
