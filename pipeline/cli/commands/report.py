"""``pipeline report``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from pipeline.cli.options import plan_of, several_experiments_options
from pipeline.cli.told import say
from pipeline.formatting import counted, size
from pipeline.plan.planner import Plan


@dataclass(frozen=True)
class _Places:
    """Where what is written."""

    page: Path
    svg: Path | None
    csv: Path | None
    latex: Path | None


@click.command()
@several_experiments_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True, metavar="FILE",
    help="The page to write.",
)  # fmt: skip
@click.option("--svg", type=click.Path(path_type=Path), metavar="DIR", help="Write each picture there, too.")
@click.option("--csv", type=click.Path(path_type=Path), metavar="DIR", help="Write each table there, too.")
@click.option("--latex", type=click.Path(path_type=Path), metavar="FILE", help="Write the results' table, too.")
@click.option("--watch", is_flag=True, help="Write it anew as steps of a run end, until all are done.")
def command(
    paths: tuple[Path, ...],
    settings: tuple[str, ...],
    output: Path,
    svg: Path | None,
    csv: Path | None,
    latex: Path | None,
    watch: bool,
) -> int:
    """Write one HTML file of what came out."""
    from pipeline.report.html.watch import changes

    places = _Places(output, svg, csv, latex)
    _check(places)
    plans: Mapping[str, Plan] = {name: plan_of(path, settings) for name, path in _named(paths).items()}
    if not watch:
        _write(plans, settings, places)
        return 0
    for current, done in changes(plans):
        _write(current, settings, places, reload=not done)
    return 0


def _check(places: _Places) -> None:
    from pipeline.report.html.places import check_file, check_folder

    check_file(places.page, "-o", "report.html")
    if places.latex:
        check_file(places.latex, "--latex", "results.tex")
    for option, folder in (("--svg", places.svg), ("--csv", places.csv)):
        if folder:
            check_folder(folder, option)


def _write(plans: Mapping[str, Plan], settings: tuple[str, ...], places: _Places, reload: bool = False) -> None:
    from pipeline.report.html.files import as_latex, write_pictures, write_tables
    from pipeline.report.html.gather.report import gather
    from pipeline.report.html.page import write_page
    from pipeline.report.html.places import write_text
    from pipeline.report.html.sections.order import sections_of

    report = gather(plans, settings)
    sections = sections_of(report)
    page = write_page(report, sections, reload)
    write_text(places.page, page)
    written = [f"{places.page} ({size(len(page.encode()))})"]
    if places.svg:
        written.append(f"{counted(write_pictures(places.svg, sections), 'picture')} in {places.svg}")
    if places.csv:
        written.append(f"{counted(write_tables(places.csv, sections), 'table')} in {places.csv}")
    if places.latex:
        write_text(places.latex, as_latex(report))
        written.append(str(places.latex))
    say(f"written: {', '.join(written)}")


def _named(paths: tuple[Path, ...]) -> dict[str, Path]:
    """Name experiments by their files, with as many of the folders above as tell them apart."""
    different = {path.absolute(): path for path in paths}
    for parts in range(1, max(len(path.parts) for path in different) + 1):
        named = {"/".join(whole.parts[-parts:]): path for whole, path in different.items()}
        if len(named) == len(different):
            break
    return named
