"""``pipeline run``: make a plan, do its missing steps, print the results.

From here the way goes to `pipeline.experiment.running`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pipeline.cli.machine_options import machine_options
from pipeline.cli.options import exclusive, experiment_options, json_text
from pipeline.cli.told import say
from pipeline.cli.tracker_options import tracker_options, trackers_of_run
from pipeline.errors import ConfigError
from pipeline.experiment.planning import plan_of
from pipeline.experiment.retry import retry_after_quarantine
from pipeline.experiment.running import run_experiment
from pipeline.plan.planner import Plan
from pipeline.report.differing_outputs import print_problems
from pipeline.report.ending.ending import ending_text
from pipeline.run.outcome import Outcome, RunOptions
from pipeline.run.selection import check_entry, check_scheduler, select_steps
from pipeline.stagesfile.load import read_text
from pipeline.terminal import note


@click.command()
@experiment_options
@click.option("--until", metavar="ENTRY", help="Only this entry and what it needs.")
@click.option("--only", metavar="ENTRY", help="Only this entry; what it needs must be there.")
@click.option("--force", metavar="ENTRY", multiple=True, help="Run this entry again even if it is cached. Repeatable.")
@click.option("--dry-run", is_flag=True, help="Show what would run, and stop.")
@machine_options
@click.option(
    "--wait/--no-wait", default=True, show_default=True, help="Wait for steps that another run is doing, or leave them."
)
@click.option("--push", is_flag=True, help="Push what was made to the first remote.")
@tracker_options
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(
    path: Path,
    settings: tuple[str, ...],
    dry_run: bool,
    push: bool,
    tensorboard: Path | None,
    mlflow: str | None,
    as_json: bool,
    **run_options: Any,
) -> int:
    """Run the steps that are neither in the store nor in a remote, and print the results."""
    started = time.monotonic()
    options = RunOptions(**run_options, tracebacks=click.get_current_context().meta["debug"])
    exclusive("--until", options.until, "--only", options.only)
    if options.scheduler is not None:
        check_scheduler(options.scheduler)
    plan = retry_after_quarantine(lambda: plan_of(path, settings))
    for option, entry in ("--until", options.until), ("--only", options.only), *(("--force", e) for e in options.force):
        check_entry(plan, option, entry)
    if dry_run:
        from pipeline.report import status

        steps = select_steps(plan, options.until, options.only).values()
        if as_json:
            print(json_text(status.as_json(plan, steps)))
        else:
            say(status.as_text(plan, steps))
        return 0
    if push:
        from pipeline.run.push_pull import target_of

        target_of(plan, None)  # raise before anything runs, if no remote is named
    outcome, trackers = Outcome(), trackers_of_run(tensorboard, mlflow, settings)
    if trackers:
        options = replace(options, ended=trackers.step_ended)

    def attempt(plan: Plan) -> None:
        again = replace(options, force=()) if outcome.done else options
        plan, new = run_experiment(plan, lambda: plan_of(path, settings, plan), again, outcome)
        if push:
            _push(plan, new.done, outcome)
        selected = select_steps(plan, options.until, options.only)
        if as_json:
            from pipeline.report import status

            counts = {"done": [*outcome.done], "fetched": [*outcome.fetched], "failed": outcome.unsuccessful}
            print(json_text({**counts, **status.as_json(plan, selected.values())}))
        elif plan.indexed:
            say(ending_text(plan, selected, outcome, time.monotonic() - started, options.until or options.only))
        if trackers and plan.indexed:
            trackers.finish(plan)

    retry_after_quarantine(lambda: attempt(plan), retry=lambda: attempt(plan_of(path, settings, plan)))
    _note_edited(plan)
    return 1 if outcome.unsuccessful else 0


def _push(plan: Plan, ids: Iterable[str], outcome: Outcome) -> None:
    from pipeline.run.push_pull import named, push, target_of

    pushed = push(plan, target_of(plan, None), named(plan.steps[id_] for id_ in ids if id_ in plan.steps))
    print_problems(plan, pushed, " was made and cannot be pushed")
    outcome.not_pushed |= pushed.failed


def _note_edited(plan: Plan) -> None:
    """Print a note if the stages file was edited during the run."""
    try:
        if read_text(plan.path) == plan.snapshot.text:
            return
        event = "changed"
    except ConfigError:
        event = "went away"
    note(f"{plan.path} {event} while this ran, which went on with it as it was at its beginning")
