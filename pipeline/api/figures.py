"""The report of an experiment, and each of its pictures by itself, as an object that a notebook shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from pipeline.api.table import Table
from pipeline.errors import ConfigError
from pipeline.experiment.remembered_runs import Remembered
from pipeline.plan.planner import Plan
from pipeline.report.html.files import named_parts, standing_alone
from pipeline.report.html.gather.outcome import Outcome, outcome_of
from pipeline.report.html.gather.remembered import outcome_of_run
from pipeline.report.html.gather.report import gather
from pipeline.report.html.page import write_page
from pipeline.report.html.parts import Table as PartTable
from pipeline.report.html.parts import pictures_of
from pipeline.report.html.places import check_file, write_text
from pipeline.report.html.sections.order import sections_of
from pipeline.stagesfile.schema import did_you_mean


@dataclass(frozen=True)
class Figure:
    """A picture of the report.

    Attributes
    ----------
    title : str
        What it shows.
    svg : str
        The picture, complete in itself.
    table : Table
        The numbers that it shows; no rows where a table of the report's has them.
    """

    title: str
    svg: str = field(repr=False)
    table: Table = field(repr=False)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the picture as an SVG file; ConfigError for another kind of file."""
        path = Path(path)
        if path.suffix.lower() != ".svg":
            raise ConfigError(f"{path}: a figure is written as SVG\n  name it {path.with_suffix('.svg')}")
        check_file(path, "path", "figure.svg")
        write_text(path, self.svg)

    def _repr_html_(self) -> str:
        return f'<div style="background:#fff;display:inline-block">{self.svg}</div>'

    def _repr_svg_(self) -> str:
        return self.svg


@dataclass(frozen=True)
class Report:
    """A report that was written."""

    path: Path

    def _repr_html_(self) -> str:
        from html import escape

        page = escape(self.path.read_text(encoding="utf-8"), quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:40em;border:0"></iframe>'


class Figures(dict[str, Figure]):
    """Figures by name."""

    def __missing__(self, name: str) -> Figure:
        raise ConfigError(f"{name}: there is no such figure\n  {did_you_mean(name, list(self))}")

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:{width}}  {figure.title}" for name, figure in self.items()) or "no figures"


def figures_of(outcomes: Sequence[Outcome]) -> Figures:
    """Return every picture of a report."""
    sections = sections_of(gather(outcomes))
    named = named_parts(picture for section in sections for picture in pictures_of(section))
    return Figures(
        (name, Figure(each.title, standing_alone(each).strip(), _table_of(each.table))) for name, each in named.items()
    )


def write_report(outcomes: Sequence[Outcome], path: Path) -> Report:
    """Write the report as one HTML file."""
    check_file(path, "path", "report.html")
    report = gather(outcomes)
    write_text(path, write_page(report, sections_of(report)))
    return Report(path)


def outcomes_of(plan: Plan, settings: tuple[str, ...], places: tuple[str, ...], runs: Sequence[str]) -> list[Outcome]:
    """Return what a report is about: the stages file as it stands, or runs that are remembered.

    `places` are those of the settings that say where things are.
    """
    if not runs:
        return [outcome_of(plan.path.name, plan, settings)]
    remembered = Remembered.open(plan.path, places)
    return [outcome_of_run(f"run {run.title}", plan.path, run, remembered, places) for run in remembered.find(runs)]


def _table_of(part: PartTable | None) -> Table:
    if part is None:
        return Table()
    names = [column.named or column.title for column in part.columns]
    return Table(
        dict(zip(names, (cell.text if cell.value is None else cell.value for cell in row.cells), strict=True))
        for row in part.rows
    )
