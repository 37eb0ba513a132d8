"""``pipeline runs``, ``runs keep`` and ``runs drop``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from pipeline.cli.groups import Commands
from pipeline.cli.options import experiment_options, json_text
from pipeline.cli.told import DEFAULT_FILE, say, width_of
from pipeline.experiment.remembered_runs import Remembered
from pipeline.formatting import counted
from pipeline.plan.runs.remembered import present
from pipeline.report.runs import listing
from pipeline.terminal import note


@click.group(cls=Commands, invoke_without_command=True)
@experiment_options
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_context
def command(context: click.Context, path: Path, settings: tuple[str, ...], as_json: bool) -> int:
    """List what was run from this stages file, the newest first."""
    if context.invoked_subcommand is not None:
        return 0
    remembered = Remembered.open(path, settings)
    runs = remembered.runs
    for line in runs.unreadable_lines():
        note(line)
    there = present(remembered.chain, runs.listed)
    if as_json:
        print(json_text([listing.as_json(run, there, remembered.file_asked) for run in runs.listed]))
    elif runs.listed:
        columns = width_of(sys.stdout) or listing.COLUMNS
        say(listing.as_text(runs.listed, there, remembered.file_asked, columns))
        say("compare them: `pipeline results RUN RUN`, `pipeline report RUN RUN`")
        say("what cleaning may free: `pipeline runs keep RUN NAME`, `pipeline runs drop RUN`")
    else:
        say(listing.none_text(path, remembered.chain.local.url))
    return 0


@command.command()
@click.argument("run")
@click.argument("name", default="")
@experiment_options
@click.pass_context
def keep(context: click.Context, path: Path, settings: tuple[str, ...], run: str, name: str) -> int:
    """Keep a run's outputs from cleaning, and give it a NAME.

    RUN is its number or name.
    """
    remembered = Remembered.open(*_places(context, path, settings))
    found = remembered.runs.find(run)
    remembered.runs.keep(found, name)
    # Looked for after they are named: what is there now, stays.
    gone = found.missing(present(remembered.chain, [found]))
    kept = counted(len(found.record.output_names) - len(gone), "output")
    say(f"run {found.number} is kept{f' as {name}' if name else ''}: {kept} will not be freed")
    if gone:
        say(f"note: {counted(len(gone), 'output')} of it are not there (any more)")
    return 0


@command.command()
@click.argument("run")
@experiment_options
@click.pass_context
def drop(context: click.Context, path: Path, settings: tuple[str, ...], run: str) -> int:
    """Forget a run, and let cleaning free what nothing else needs.

    RUN is its number or name.
    """
    remembered = Remembered.open(*_places(context, path, settings))
    if remembered.runs.drop_unreadable(run):
        say(f"the damaged record of run {run} is deleted; its outputs are as they were")
        return 0
    found = remembered.runs.find(run)
    free = remembered.runs.drop(found)
    stay = len(found.record.output_names) - len(free)
    say(f"run {found.title} is dropped: nothing else here needs {counted(len(free), 'output')} of it, {stay} stay")
    if free:
        say("`pipeline gc` frees them once they are older than its --grace")
    return 0


def _places(context: click.Context, path: Path, settings: tuple[str, ...]) -> tuple[Path, tuple[str, ...]]:
    """Return the stages file and settings, also where they stand before the subcommand."""
    above: dict[str, Any] = context.parent.params if context.parent else {}
    return above["path"] if path == DEFAULT_FILE else path, (*above["settings"], *settings)
