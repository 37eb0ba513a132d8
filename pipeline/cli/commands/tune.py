"""``pipeline tune``.

From here the way goes to `pipeline.tune.searches`.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from pipeline.cli.machine_options import machine_options
from pipeline.cli.options import exclusive, experiment_options
from pipeline.cli.told import say
from pipeline.experiment.retry import retry_after_quarantine
from pipeline.report.differing_outputs import print_problems
from pipeline.run.outcome import RunOptions
from pipeline.run.push_pull import target_of
from pipeline.run.selection import check_scheduler
from pipeline.terminal import note
from pipeline.tune.search import Search
from pipeline.tune.searches import Tuned, push_trails, tune
from pipeline.tune.session import Session, open_session
from pipeline.tune.trail import text
from pipeline.tune.trail.records import as_json as trails_as_json
from pipeline.tune.tuned_file.write import trail_paths, tuned_path, write_trails, write_tuned


@click.command()
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@experiment_options
@click.option("--trials", type=click.IntRange(min=1), metavar="N", help="Trials of each entry, in place of the file's.")
@click.option(
    "--hours", type=click.FloatRange(min=0, min_open=True), metavar="H",
    help="Hours that the trials of each entry may compute, in place of the file's.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE",
    help="The stages file to write, beside FILE of -f; left out: its name with .tuned in it.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say which trials are there and what remains, and stop.")
@click.option("--push", is_flag=True, help="Push evaluations of trials and the trail to the first remote.")
@machine_options
@click.option("--json", "as_json", is_flag=True, help="Print the trail as JSON.")
def command(
    entries: tuple[str, ...],
    path: Path,
    settings: tuple[str, ...],
    trials: int | None,
    hours: float | None,
    output: Path | None,
    dry_run: bool,
    push: bool,
    as_json: bool,
    **machine: Any,
) -> int:
    """Search the settings that the stages file names under `tune:`, and write a stages file with what it found."""
    budget = {"tune.trials": trials, "tune.hours": hours}
    settings += tuple(f"{key}={value}" for key, value in budget.items() if value is not None)
    options = RunOptions(**machine, tracebacks=click.get_current_context().meta["debug"])
    if options.scheduler is not None:
        check_scheduler(options.scheduler)
    exclusive("--dry-run", dry_run, "--push", push)
    target = tuned_path(path, output)

    def attempt() -> tuple[Session, Tuned]:
        session = open_session(path, settings, entries, options, dry=dry_run)
        if push:
            target_of(session.base, None)  # raises before anything runs, if no remote is named
        begun, ended = (_silent, _silent) if dry_run else (_begun, partial(_ended, target, set()))
        return session, tune(*session, options, dry=dry_run, begun=begun, ended=ended)

    session, tuned = retry_after_quarantine(attempt)
    if not dry_run:
        write_trails(target, tuned.trails)
        write_tuned(session.base, tuned, target)
    pushed = push_trails(session.base, tuned) if push else None
    if as_json:
        print(trails_as_json(tuned.trails), end="")
    elif dry_run:
        say("\n".join(map(text.remains_text, tuned.searches)))
    else:
        say("\n\n".join(map(text.trail_text, tuned.trails)))
        say(f"{target}: the stages file with what was found; `pipeline run -f {target}`")
        say(f"{trail_paths(target)[0]}, {trail_paths(target)[1]}: all trials")
    if pushed is not None:
        print_problems(session.base, pushed, " was made and cannot be pushed")
    return 1 if pushed is not None and pushed.failed else 0


def _begun(search: Search) -> None:
    print(text.begin_line(search), file=sys.stderr, flush=True)


def _ended(target: Path, told: set[str], search: Search, tuned: Tuned) -> None:
    """Say how far it is, and each reason for which trials failed once."""
    for trials in search.trials.values():
        for trial in trials:
            if trial.reason and trial.reason not in told:
                note(f"{search.study.entry}: trial {trial.number} failed: {trial.reason}")
                told.add(trial.reason)
    print(text.batch_line(search), file=sys.stderr, flush=True)
    write_trails(target, tuned.trails)


def _silent(*_: object) -> None:
    """Say nothing of a dry run."""
