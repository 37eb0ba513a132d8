"""``pipeline run``: make a plan, do its missing steps, print the results.

A first run plans twice: once to run the index, which lists the recordings, and once with what the index found. From
here the way goes to `pipeline.plan.planner`, for the plan, and to `pipeline.run.runner`, which does its steps.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from pipeline.cli.options import exclusive, experiment_options, json_text, plan_of
from pipeline.cli.retry import retry_after_quarantine
from pipeline.cli.told import say
from pipeline.cli.tracker_options import tracker_options, trackers_of_run
from pipeline.errors import ConfigError, StepError
from pipeline.formatting import counted, shortened
from pipeline.lock import LockNotWritable, lock_path, update_lock
from pipeline.plan.planner import Plan, states_of
from pipeline.plan.runs.remembering import Remembering, remembering
from pipeline.plan.steps.step import runs_network
from pipeline.report.differing_outputs import note_differing, print_problems
from pipeline.report.ending.ending import ending_text
from pipeline.report.lock_changes import lock_changes_text
from pipeline.report.plan_notes import broken_count, broken_reasons, doubts
from pipeline.report.results import baselines_of, result_rows
from pipeline.run.outcome import Outcome, RunOptions
from pipeline.run.selection import check_entry, check_scheduler, select_steps, steps_to_materialise
from pipeline.stagesfile.load import read_text
from pipeline.terminal import note
from store.errors import StoreError


def _number_or_auto(context: click.Context, parameter: click.Parameter, value: str) -> int | None:
    if value == "auto":
        return None
    try:
        return click.IntRange(min=1)(value, parameter, context)
    except click.BadParameter:
        raise click.BadParameter(f"{value!r} is neither auto nor a number from 1", context, parameter) from None


@click.command()
@experiment_options
@click.option("--until", metavar="ENTRY", help="Only this entry and what it needs.")
@click.option("--only", metavar="ENTRY", help="Only this entry; what it needs must be there.")
@click.option("--force", metavar="ENTRY", multiple=True, help="Run this entry again even if it is cached. Repeatable.")
@click.option("--dry-run", is_flag=True, help="Show what would run, and stop.")
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Steps at a time; left out: one a core, at most 8."
)
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
    help="Where networks run; auto: on a GPU where there is one; cuda: an error where there is none.",
)  # fmt: skip
@click.option(
    "--scheduler",
    metavar="local|ADDRESS",
    help="Work at a dask scheduler: tcp:// or tls://HOST:PORT, or local for one of this machine's cores or GPUs.",
)
@click.option(
    "--together", metavar="auto|N", default="auto", show_default=True, callback=_number_or_auto,
    help="Train up to N models that differ in fold and seed only as one; auto: on a GPU as many as fit, on a CPU one.",
)  # fmt: skip
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
    options = RunOptions(**run_options)
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


def run_experiment(
    plan: Plan, plan_again: Callable[[], Plan], options: RunOptions, total: Outcome
) -> tuple[Plan, Outcome]:
    """Run the index if it is missing, then the rest; return the plan by which that was done, with its states now.

    What was done is added to `total` before figures are read, which may be damaged.
    """
    with remembering(options.until or options.only or "", baselines_of) as log:
        plan, outcome = _run_planned(plan, plan_again, options, log)
        total.add(outcome)
        log.end(plan, "failed" if outcome.unsuccessful else "done", partial(_figures, plan))
    if plan.history.write_error:
        note(f"cleaning may free what this run uses, which it cannot name in the store: {plan.history.write_error}")
    return plan, outcome


def _figures(plan: Plan) -> list[dict[str, Any]]:
    return [row.as_json() for row in result_rows(plan)]


def _run_planned(
    plan: Plan, plan_again: Callable[[], Plan], options: RunOptions, log: Remembering
) -> tuple[Plan, Outcome]:
    outcome = Outcome()
    if not plan.indexed and options.only is None:
        outcome.add(_run(plan, replace(options, until="index", force=()), (), log))
        plan = plan_again()
    outdated = not outcome.failed
    while outdated:  # each time recordings broke while they were encoded, so that others are trained and tested on
        _check_broken(plan, options.force)
        _update_lock(plan)
        states = dict(plan.states)
        new = _run(plan, options, outcome.done, log)
        outcome.add(new)
        _note_differing_inputs(plan, states, [*new.done, *new.fetched])
        outdated = new.outdated
        # Without such recordings a new plan would have the same keys, and the runner keeps the states up to date.
        plan = plan_again() if outdated else plan
        plan.history.record(plan.history.unrecorded_steps(plan.steps.values(), plan.states))
    return plan, outcome


def _update_lock(plan: Plan) -> None:
    """Write the lock, unless it is another experiment's, was changed meanwhile, or cannot be written.

    A trial with ``--set`` is another experiment: the lock is the stages file's, which others share.
    """
    name = lock_path(plan.path).name
    if plan.trial:
        if plan.lock != plan.old_lock and lock_path(plan.path).exists():
            note(f"{name} stays as it is: --set makes this a trial of another experiment")
        return
    try:
        replaced = update_lock(lock_path(plan.path), plan.lock, plan.old_lock)
    except LockNotWritable as error:
        note(str(error))
        return
    if replaced is None:
        note(f"{name} changed while this ran and is left as it is; run again to bring it up to date")
    elif text := lock_changes_text(replaced, plan.lock):
        note(f"{name} now has other raw data: {text}")


def _run(plan: Plan, options: RunOptions, done: Collection[str], log: Remembering) -> Outcome:
    """Do the selected steps of a plan that are missing; steps in `done` are not forced again."""
    steps = select_steps(plan, options.until, options.only)
    forced = {id_ for id_, step in steps.items() if not set(step.entries).isdisjoint(options.force)} - {*done}
    newly_pinned = plan.history.pin((step.stage, step.key) for step in steps.values())
    if remote := [(step.stage, step.key) for step in steps.values() if plan.states[step.id] == "remote"]:
        from pipeline.run.push_pull import pin_in_remotes

        newly_pinned |= pin_in_remotes(plan, remote)
    if newly_pinned:  # until now, a cleaning may have freed what the plan has seen
        seen = (step for step in steps.values() if plan.states[step.id] in ("cached", "remote"))
        plan.states.update(states_of(plan.chain, seen))
    ids = steps_to_materialise(plan, steps, forced)
    if not ids:
        return Outcome()
    if plan.history.write_error:
        steps_to_do = counted(len(ids), "step")
        raise StoreError(
            f"{steps_to_do} must be done, and this user may not write to the store: {plan.history.write_error}"
        )
    to_compute = [plan.steps[id_] for id_ in ids if plan.states[id_] != "remote" or id_ in forced]
    if options.device == "cuda" and options.scheduler is None and any(runs_network(each.recipe) for each in to_compute):
        from pipeline.run.step.gpus import NO_CUDA, count_gpus

        if not count_gpus("cuda"):
            raise ConfigError(NO_CUDA)
    from pipeline.run.runner import run_steps

    log.begin(plan)
    outcome = run_steps(plan, ids, options, forced, _expected(plan))
    _print_failures(plan, outcome)
    return outcome


def _expected(plan: Plan) -> Callable[[str], float | None]:
    """Return what says how long a step will take to compute, as `status` does; nothing of one that is fetched."""
    from pipeline.report.cost.estimates import Estimates

    estimates = Estimates(plan)
    return lambda id_: None if plan.states[id_] == "remote" else estimates.if_computed(plan.steps[id_]).seconds


def _push(plan: Plan, ids: Iterable[str], outcome: Outcome) -> None:
    from pipeline.run.push_pull import named, push, target_of

    pushed = push(plan, target_of(plan, None), named(plan.steps[id_] for id_ in ids if id_ in plan.steps))
    print_problems(plan, pushed, " was made and cannot be pushed")
    outcome.not_pushed |= pushed.failed


def _print_failures(plan: Plan, outcome: Outcome) -> None:
    """Print each message once, however many folds and seeds failed with it, and what was skipped."""
    by_message: dict[str, list[str]] = {}
    for id_, failure in outcome.failed.items():
        by_message.setdefault(failure.message, []).append(id_)
    for message, ids in by_message.items():
        more = f" and {counted(len(ids) - 1, 'step')} more" if len(ids) > 1 else ""
        print(f"error: {ids[0]}{more}: {message}", file=sys.stderr)
        if click.get_current_context().meta["debug"]:
            print(outcome.failed[ids[0]].traceback, file=sys.stderr)
    by_entries: dict[tuple[str, str], list[str]] = {}
    for id_, cause in outcome.skipped.items():
        by_entries.setdefault((plan.steps[id_].entry, plan.steps[cause].entry), []).append(id_)
    for (entry, need), ids in by_entries.items():
        if len(ids) == 1:
            print(f"left out: {ids[0]}, because it needs {outcome.skipped[ids[0]]}", file=sys.stderr)
        else:
            left_out = f"{counted(len(ids), 'step')} of {entry}"
            print(f"left out: {left_out}, because they need steps of {need}", file=sys.stderr)


def _check_broken(plan: Plan, force: Collection[str]) -> None:
    """Raise StepError where an output made with `skip` lacks recordings, is not forced, and this run says `fail`."""
    if plan.points[0].experiment.on_bad_recording == "fail" and (reasons := broken_reasons(plan, force, named=5)):
        listed = [f"  {reason}" for reason in shortened(reasons, 10, "more, see `pipeline status`")]
        raise StepError(
            f"{broken_count(plan, force)} cannot be used:\n" + "\n".join([*listed, *doubts(plan)]) + "\n"
            "  repair or remove them, or set `on_bad_recording: skip` to go on without these recordings"
        )


def _note_edited(plan: Plan) -> None:
    """Print a note if the stages file was edited during the run."""
    try:
        if read_text(plan.path) == plan.snapshot.text:
            return
        event = "changed"
    except ConfigError:
        event = "went away"
    note(f"{plan.path} {event} while this ran, which went on with it as it was at its beginning")


def _note_differing_inputs(plan: Plan, states: Mapping[str, str], ids: Iterable[str]) -> None:
    """Print which inputs of the steps that were done now differ from the remotes'; asks no remote if there are none.

    `states` are those before the steps were done: inputs that were cached then came from elsewhere.
    """
    inputs = dict.fromkeys(need for id_ in ids for need in plan.steps[id_].needs if states[need] == "cached")
    if plan.chain.urls and inputs:
        from pipeline.run.push_pull import compare

        note_differing(plan, compare(plan, [plan.steps[id_] for id_ in inputs]))
