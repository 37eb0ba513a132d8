"""``pipeline report``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import exclusive, several_experiments_options
from pipeline.cli.told import say
from pipeline.cli.tracker_options import tracker_options, trackers_of
from pipeline.experiment.planning import plan_of
from pipeline.experiment.remembered_runs import FoundRuns, runs_by_file
from pipeline.formatting import counted, size
from pipeline.terminal import note

if TYPE_CHECKING:
    from pipeline.report.html.gather.outcome import Outcome
    from pipeline.report.trackers.trackers import Trackers


_STANDARD_OUTPUT = Path("-")


@dataclass(frozen=True)
class _Places:
    """Where what is written."""

    page: Path | None  # None: on standard output
    svg: Path | None
    csv: Path | None
    latex: Path | None


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@several_experiments_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True, metavar="FILE",
    help="The page to write; - for standard output.",
)  # fmt: skip
@click.option("--svg", type=click.Path(path_type=Path), metavar="DIR", help="Write each picture there, too.")
@click.option("--csv", type=click.Path(path_type=Path), metavar="DIR", help="Write each table there, too.")
@click.option("--latex", type=click.Path(path_type=Path), metavar="FILE", help="Write the results' table, too.")
@tracker_options
@click.option("--watch", is_flag=True, help="Write it anew as steps of a run end, until all are done.")
def command(
    runs: tuple[str, ...],
    paths: tuple[Path, ...],
    settings: tuple[str, ...],
    output: Path,
    svg: Path | None,
    csv: Path | None,
    latex: Path | None,
    tensorboard: Path | None,
    mlflow: str | None,
    watch: bool,
) -> int:
    """Write one HTML file of what came out, or of runs that are remembered.

    RUN is a run's number or name; of several files, FILE:RUN where more than one has it.
    """
    exclusive("RUN", runs, "--watch", watch)
    exclusive("-o -", output == _STANDARD_OUTPUT, "--watch", watch)
    places = _Places(None if output == _STANDARD_OUTPUT else output, svg, csv, latex)
    _check(places)
    files, trackers = _named(paths), trackers_of(tensorboard, mlflow)
    if not watch:
        found = runs_by_file(list(files.values()), settings, runs) if runs else {}
        outcomes = list(_outcomes(files, settings, found))
        _write(outcomes, places)
        if trackers:
            _track(trackers, outcomes, done=True)
        return 0

    from pipeline.report.html.gather.outcome import outcome_of
    from pipeline.report.html.watch import changes

    for plans, done in changes({name: plan_of(path, settings) for name, path in files.items()}):
        outcomes = [outcome_of(name, plan, settings) for name, plan in plans.items()]
        _write(outcomes, places, reload=not done)
        if trackers:
            _track(trackers, outcomes, done=done)
    return 0


def _track(trackers: Trackers, outcomes: Sequence[Outcome], *, done: bool) -> None:
    from pipeline.report.trackers.trackers import trained_of

    trained = [trained_of(outcome) for outcome in outcomes]
    if done:
        trackers.finish(trained)
    else:
        for each in trained:
            trackers.update(each)


def _outcomes(
    files: Mapping[str, Path], settings: tuple[str, ...], found: Mapping[Path, FoundRuns]
) -> Iterator[Outcome]:
    """Yield what came out of each stages file: its runs that are named, or else of the file as it stands."""
    from pipeline.report.html.gather.outcome import outcome_of
    from pipeline.report.html.gather.remembered import outcome_of_run

    for name, path in files.items():
        if path not in found:
            yield outcome_of(name, plan_of(path, settings), settings)
            continue
        remembered, runs = found[path]
        of = f"{name.removesuffix('.yaml')} " if len(files) > 1 else ""
        for run in runs:
            yield outcome_of_run(f"{of}run {run.title}", path, run, remembered, settings)


def _check(places: _Places) -> None:
    from pipeline.report.html.places import check_file, check_folder

    if places.page:
        check_file(places.page, "-o", "report.html")
    if places.latex == _STANDARD_OUTPUT:
        raise click.UsageError("--latex -: takes a file; `pipeline results --format latex` prints the table")
    if places.latex:
        check_file(places.latex, "--latex", "results.tex")
    for option, folder in (("--svg", places.svg), ("--csv", places.csv)):
        if folder:
            check_folder(folder, option)


def _write(outcomes: Sequence[Outcome], places: _Places, reload: bool = False) -> None:
    from pipeline.report.html.files import as_latex, write_pictures, write_tables
    from pipeline.report.html.gather.report import gather
    from pipeline.report.html.page import write_page
    from pipeline.report.html.places import write_text
    from pipeline.report.html.sections.order import sections_of

    report = gather(outcomes)
    sections = sections_of(report)
    page = write_page(report, sections, reload)
    written = []
    if places.page:
        write_text(places.page, page)
        written.append(f"{places.page} ({size(len(page.encode()))})")
    else:
        print(page, end="")
    if places.svg:
        written.append(f"{counted(write_pictures(places.svg, sections), 'picture')} in {places.svg}")
    if places.csv:
        written.append(f"{counted(write_tables(places.csv, sections), 'table')} in {places.csv}")
    if places.latex:
        write_text(places.latex, as_latex(report))
        written.append(str(places.latex))
    if places.page:
        say(f"written: {', '.join(written)}")
    elif written:
        note(f"written: {', '.join(written)}")
    if not report.models:
        note("no model has figures yet, and the page says why; of a run with --set it is `pipeline report RUN`")


def _named(paths: tuple[Path, ...]) -> dict[str, Path]:
    """Name experiments by their files, with as many of the folders above as tell them apart."""
    different = {path.absolute(): path for path in paths}
    for parts in range(1, max(len(path.parts) for path in different) + 1):
        named = {"/".join(whole.parts[-parts:]): path for whole, path in different.items()}
        if len(named) == len(different):
            break
    return named
