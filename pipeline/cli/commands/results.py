"""``pipeline results``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click

from pipeline.cli.options import exclusive, experiment_options, json_text
from pipeline.cli.told import say
from pipeline.experiment.planning import plan_of
from pipeline.experiment.remembered_runs import Remembered
from pipeline.experiment.retry import retry_after_quarantine
from pipeline.plan.planner import Plan
from pipeline.plan.runs.baselines import baselines_of
from pipeline.report.breakdown import By, break_down
from pipeline.report.comparison.text import gain_lines
from pipeline.report.formats.sheet import Sheet
from pipeline.report.formats.sheets import breakdown_sheet, results_sheet
from pipeline.report.published import beside, published_note, published_of
from pipeline.report.results import Row, evaluations_of, per_recording, rows_of
from pipeline.report.results_text import no_results, notes, sheet_text
from pipeline.report.runs.listing import settings_text
from pipeline.report.runs.side_by_side import Shown, fits, front_names, legend, notes_on
from store import Store

_FORMATS = ("text", "csv", "latex", "markdown")


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@experiment_options
@click.option("--by", type=click.Choice(["fold", "subject"]), help="Break figures down, with the deviation over these.")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="text", show_default=True,
    help="csv: one line a figure; latex: a table with booktabs; markdown: for a page.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print rows as JSON.")
@click.option("--per-recording", "recordings", is_flag=True, help="Print CSV, one line a test recording.")
@click.option("--cost", is_flag=True, help="Print what each model costs to run; measure it first, once a machine.")
@click.option("--per-modality", is_flag=True, help="Add top-1 by each modality's streams within the ensemble.")
@click.option("--robustness", is_flag=True, help="Show top-1 with sensors absent or harmed: a line a condition.")
@click.option("--vskd-f1", is_flag=True, help="Add F1 as VSKD's authors compute it, from accuracy and recall@1.")
def command(
    path: Path,
    settings: tuple[str, ...],
    runs: tuple[str, ...],
    by: By | None,
    form: str,
    as_json: bool,
    recordings: bool,
    cost: bool,
    per_modality: bool,
    robustness: bool,
    vskd_f1: bool,
) -> int:
    """Print mean and deviation over seeds of every model that is there, or was in runs that are remembered."""
    exclusive("--json", as_json, "--per-recording", recordings)
    exclusive("--by", by, "--per-recording", recordings)
    if form != "text":
        exclusive("--format", True, "--per-recording", recordings)
        exclusive("--format", True, "--json", as_json)
    if by == "subject":
        exclusive("--by subject", True, "--per-modality", per_modality)
        exclusive("--by subject", True, "--vskd-f1", vskd_f1)
    if recordings and len(runs) > 1:
        raise click.UsageError("--per-recording: takes one RUN at most")
    form = "json" if as_json else form
    for option, is_given in ("--robustness", robustness), ("--cost", cost):
        others = {"--by": by, "--per-recording": recordings, "--per-modality": per_modality, "--vskd-f1": vskd_f1}
        for other, given in (*others.items(), ("RUN", runs)):
            exclusive(option, is_given, other, given)
    exclusive("--robustness", robustness, "--cost", cost)
    if robustness:
        _print_robustness(plan_of(path, settings), form)
        return 0
    if cost:
        _print_costs(path, settings, form)
        return 0
    shown, store, told = _of_runs(path, settings, runs) if runs else _of_plan(path, settings)
    if recordings:
        print(per_recording(store, shown[0].evaluations), end="")
    elif by:
        _print_by(shown, store, by, form, (per_modality, vskd_f1), told)
    else:
        _print_rows(shown, store, form, (per_modality, vskd_f1), told)
    return 0


class Told(NamedTuple):
    """What is said beside a table."""

    before: list[str]
    after: list[str]
    nothing: str  # where there are no figures


def _of_plan(path: Path, settings: tuple[str, ...]) -> tuple[list[Shown], Store, Told]:
    plan = plan_of(path, settings)
    shown = Shown(evaluations_of(plan), baselines_of(plan), published=published_of(plan))
    return [shown], plan.store, Told([], [*published_note(plan), *notes(plan)], no_results(plan))


def _of_runs(path: Path, settings: tuple[str, ...], names: tuple[str, ...]) -> tuple[list[Shown], Store, Told]:
    remembered = Remembered.open(path, settings)
    runs = remembered.find(names)
    shown = remembered.shown(runs)
    before = []
    if len(runs) == 1:
        before = [f"{remembered.standing(runs[0])}: {settings_text(remembered.settings(runs[0]))}"]
    return shown, remembered.chain.local, Told(before, notes_on(runs, shown), "no figures of which all folds are there")


def _print_rows(shown: Sequence[Shown], store: Store, form: str, extras: tuple[bool, bool], told: Told) -> None:
    rows = [(each, row) for each in shown for row in beside(rows_of(store, each.evaluations, *extras), each.published)]
    if form == "json":
        print(json_text([{**each.as_json(), **row.as_json()} for each, row in rows]))
    elif form == "csv":
        from pipeline.report.formats.results_csv import rows_csv

        print(rows_csv([(each.columns(row.model), row) for each, row in rows]), end="")
    elif not rows:
        say("\n".join([*told.before, told.nothing, *told.after]))
    else:
        sheet, key = _sheet(shown, rows)
        said = []
        for each in shown:
            own = [row for other, row in rows if other is each]
            lines = gain_lines(store, each.evaluations, own, each.baselines, [row for _, row in rows])
            said += [f"run {each.title}: {line}" if len(shown) > 1 else line for line in lines]
        _print_sheet(sheet, form, [*told.before, *key], [*said, *told.after])


def _sheet(shown: Sequence[Shown], rows: Sequence[tuple[Shown, Row]]) -> tuple[Sheet, list[str]]:
    """Return the table, and a legend where settings are too many or too long to stand in front."""
    if len(shown) == 1:
        return results_sheet([((), row) for _, row in rows]), []
    names = tuple(front_names(shown))
    sheet = results_sheet([(tuple(each.cells(row.model)), row) for each, row in rows], names)
    if fits(sheet, len(names) - 1):
        return sheet, []
    return results_sheet([((each.title,), row) for each, row in rows], names[:1]), legend(shown)


def _print_by(shown: Sequence[Shown], store: Store, by: By, form: str, extras: tuple[bool, bool], told: Told) -> None:
    parts = [
        (each, part)
        for each in shown
        for part in break_down(store, each.evaluations, rows_of(store, each.evaluations, *extras), by)
    ]
    if form == "json":
        print(json_text([{**each.as_json(), **part.as_json()} for each, part in parts]))
    elif form == "csv":
        from pipeline.report.formats.results_csv import breakdowns_csv

        print(breakdowns_csv([(each.columns(part.row.model), part) for each, part in parts]), end="")
    elif not parts:
        say("\n".join([*told.before, told.nothing, *told.after]))
    else:
        several = len(shown) > 1
        sheet = breakdown_sheet([(f"run {each.title}: " if several else "", part) for each, part in parts])
        _print_sheet(sheet, form, [*told.before, *(legend(shown) if several else [])], told.after)


def _print_robustness(plan: Plan, form: str) -> None:
    from pipeline.report.robustness.figures import figures_of, tests_of
    from pipeline.report.robustness.text import (
        no_figures,
        robustness_lines,
        robustness_notes,
        robustness_sheets,
        sheets_text,
    )

    tests = tests_of(plan)
    figures = figures_of(plan.store, tests)
    if form == "json":
        print(json_text([each.as_json() for each in figures]))
    elif form == "csv":
        from pipeline.report.formats.results_csv import lines_csv

        print(lines_csv(robustness_lines(figures)), end="")
    elif not figures:
        say(no_figures(plan, tests))
    else:
        sheets, notes_ = robustness_sheets(figures), robustness_notes(plan, tests)
        if form == "latex":
            from pipeline.report.formats.latex import latex_text

            print("\n\n".join(latex_text(sheet, notes_ if sheet is sheets[-1] else []) for sheet in sheets))
        elif form == "markdown":
            from pipeline.report.formats.markdown import markdown_text

            print("\n\n".join(markdown_text(sheet, [], notes_ if sheet is sheets[-1] else []) for sheet in sheets))
        else:
            say("\n".join([sheets_text(sheets), *notes_]))


def _print_costs(path: Path, settings: tuple[str, ...], form: str) -> None:
    """Measure what is not measured yet, and print all of it."""
    from pipeline.edge.cost.costs import model_costs
    from pipeline.report.inference.sheet import cost_notes, cost_sheet

    plan = retry_after_quarantine(lambda: plan_of(path, settings))
    rows = retry_after_quarantine(lambda: model_costs(plan, lambda text: print(text, file=sys.stderr)))
    if form == "json":
        print(json_text([row.as_json() for row in rows]))
    elif form == "csv":
        from pipeline.report.formats.results_csv import costs_csv

        print(costs_csv(rows), end="")
    elif not rows:
        say(no_results(plan))
    else:
        _print_sheet(cost_sheet(rows), form, [], cost_notes(rows))


def _print_sheet(sheet: Sheet, form: str, before: Sequence[str], after: Sequence[str]) -> None:
    if form == "latex":
        from pipeline.report.formats.latex import latex_text

        print(latex_text(sheet, [*before, *after]))
    elif form == "markdown":
        from pipeline.report.formats.markdown import markdown_text

        print(markdown_text(sheet, before, after))
    else:
        say("\n".join([*before, *([""] if before else []), sheet_text(sheet), *after]))
