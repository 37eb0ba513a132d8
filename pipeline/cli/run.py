"""``pipeline run``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import experiment_options, plan_of
from pipeline.cli.retry import retry_after_quarantine
from pipeline.errors import ConfigError, StepError
from pipeline.lock import LockNotWritable, lock_path, update_lock
from pipeline.plan.planner import Plan, states_of
from pipeline.plan.steps.step import Step
from pipeline.report.differing_outputs import differing_text
from pipeline.report.lock_changes import lock_changes_text
from pipeline.report.results_text import broken_count, broken_reasons, doubts
from pipeline.run.selection import check_entry, check_scheduler, select_steps, steps_to_materialise
from pipeline.stagesfile.load import read_text
from store.errors import StoreError

if TYPE_CHECKING:
    from pipeline.run.outcome import Outcome


@click.command()
@experiment_options
@click.option("--until", metavar="ENTRY", help="Only this entry and what it needs.")
@click.option("--only", metavar="ENTRY", help="Only this entry; what it needs must be there.")
@click.option("--force", metavar="ENTRY", multiple=True, help="Run this entry again even if it is cached. Repeatable.")
@click.option("--dry-run", is_flag=True, help="Show what would run, and stop.")
@click.option("--jobs", type=click.IntRange(min=1), help="Steps at a time; the number of cores where left out.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
    help="Where networks run; auto: on a GPU where there is one.",
)  # fmt: skip
@click.option(
    "--scheduler",
    metavar="local|ADDRESS",
    help="Work at a dask scheduler: tcp:// or tls://HOST:PORT, or local for one of this machine's cores or GPUs.",
)
@click.option(
    "--together", metavar="N", type=click.IntRange(min=1), default=1, show_default=True,
    help="Train up to N models that differ in fold and seed only as one; made for GPUs, slower on a CPU.",
)  # fmt: skip
@click.option("--wait", is_flag=True, help="Wait for steps that another run is doing, rather than leave them to it.")
@click.option("--push", is_flag=True, help="Push what was made to the first remote.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(
    path: Path,
    settings: tuple[str, ...],
    debug: bool,
    until: str | None,
    only: str | None,
    force: tuple[str, ...],
    dry_run: bool,
    jobs: int | None,
    device: str,
    scheduler: str | None,
    together: int,
    wait: bool,
    push: bool,
    as_json: bool,
) -> int:
    """Run the steps that are neither in the store nor in a remote, and print the results."""
    started = time.monotonic()
    if until and only:
        raise click.UsageError("--until and --only exclude each other")
    if scheduler is not None:
        check_scheduler(scheduler)
    plan = retry_after_quarantine(lambda: plan_of(path, settings))
    for option, entry in (("--until", until), ("--only", only), *(("--force", each) for each in force)):
        check_entry(plan, option, entry)
    if dry_run:
        from pipeline.report import status

        steps = select_steps(plan, until, only).values()
        print(json.dumps(status.as_json(plan, steps), indent=1) if as_json else status.as_text(plan, steps))
        return 0
    if push:
        from pipeline.run.push_pull import target_of

        target_of(plan, None)  # before anything runs: where it goes must be clear
    how = _How(until, only, force, jobs, device, scheduler, together, wait, debug)
    made = _Made()

    def bring(plan: Plan) -> str:
        nonlocal made
        plan, more = _bring(
            plan, lambda: plan_of(path, settings, plan), how if not made.done else replace(how, force=())
        )
        made += more
        if push:
            made = _push(plan, more, made)
        chosen = select_steps(plan, until, only)
        if as_json:
            from pipeline.report import status

            outcome = {"done": made.done, "fetched": made.fetched, "failed": made.failed}
            return json.dumps({**outcome, **status.as_json(plan, chosen.values())}, indent=1)
        return _summary(plan, chosen, made, time.monotonic() - started) if plan.indexed else ""

    first = [plan]
    text = retry_after_quarantine(lambda: bring(first.pop() if first else plan_of(path, settings, plan)))
    if text:
        print(text)
    _note_edited(plan)
    return 1 if made.failed else 0


@dataclass(frozen=True)
class _How:
    """What is run, and how."""

    until: str | None
    only: str | None
    force: tuple[str, ...]
    jobs: int | None
    device: str
    scheduler: str | None
    together: int
    wait: bool
    debug: bool


@dataclass(frozen=True)
class _Made:
    """Ids of steps that were made, fetched, and that failed or were left out."""

    done: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    outdated: bool = False  # whether the rest must be planned again

    def __add__(self, other: _Made) -> _Made:
        lists = (self.done + other.done, self.fetched + other.fetched, self.failed + other.failed)
        return _Made(*lists, other.outdated)


def _bring(plan: Plan, again: Callable[[], Plan], how: _How) -> tuple[Plan, _Made]:
    """Run the index if it is not there, then the rest; return the plan as it is then."""
    made = _Made()
    if not plan.indexed and how.only is None:
        made += _run(plan, replace(how, until="index", force=()), made)
        plan = again()
    made = replace(made, outdated=not made.failed)
    while made.outdated:  # by what broke while it was made, so that other recordings are trained and tested on
        _check_broken(plan, how)
        _update_lock(plan)
        before, states = plan, dict(plan.states)
        more = _run(plan, how, made)
        made = replace(made, failed=[]) + more  # what failed was tried again
        plan = again() if more.done or more.fetched else plan
        plan.history.record(plan.history.unrecorded_steps(plan.steps.values(), plan.states))
        _tell_what_differs(before, states, more)
    if plan.history.write_error:
        said = f"cleaning may free what this run uses, which it cannot name in the store: {plan.history.write_error}"
        print(f"note: {said}", file=sys.stderr)
    return plan, made


def _update_lock(plan: Plan) -> None:
    """Write the lock; that of another experiment, or that somebody has changed, or may not write, is left as it is.

    A trial with ``--set`` is another experiment: the lock is the stages file's, which others share.
    """
    name = lock_path(plan.path).name
    if plan.trial:
        if plan.lock != plan.old_lock and lock_path(plan.path).exists():
            print(f"note: {name} stays as it is: --set makes this a trial of another experiment", file=sys.stderr)
        return
    try:
        replaced = update_lock(lock_path(plan.path), plan.lock, plan.old_lock)
    except LockNotWritable as error:
        print(f"note: {error}", file=sys.stderr)
        return
    if replaced is None:
        left = f"{name} changed while this ran and is left as it is"
        print(f"note: {left}; run again to bring it up to date", file=sys.stderr)
    elif text := lock_changes_text(replaced, plan.lock):
        print(f"note: {name} now has other raw data: {text}", file=sys.stderr)


def _run(plan: Plan, how: _How, made: _Made) -> _Made:
    steps = select_steps(plan, how.until, how.only)
    forced = {id_ for id_, step in steps.items() if not set(step.entries).isdisjoint(how.force)} - {*made.done}
    new = plan.history.pin((step.stage, step.key) for step in steps.values())
    if any(plan.states[id_] == "remote" for id_ in steps):
        from pipeline.run.push_pull import pin_in_remotes

        new |= pin_in_remotes(plan, [(s.stage, s.key) for s in steps.values() if plan.states[s.id] == "remote"])
    if new:
        plan.states.update(states_of(plan.chain, steps.values()))  # cleaning may have come between
    ids = steps_to_materialise(plan, steps, forced)
    if not ids:
        return _Made()
    if plan.history.write_error:
        raise StoreError(
            f"{_steps(len(ids))} must be done, and this user may not write to the store: {plan.history.write_error}"
        )
    from pipeline.run.runner import run_steps

    outcome = run_steps(
        plan,
        ids,
        jobs=how.jobs,
        device=how.device,
        forced=forced,
        wait=how.wait,
        scheduler=how.scheduler,
        together=how.together,
    )
    _print_failures(plan, outcome, how.debug)
    lost = [*outcome.failed, *outcome.left_out]
    return _Made(list(outcome.done), list(outcome.fetched), lost, outcome.outdated)


def _push(plan: Plan, new: _Made, made: _Made) -> _Made:
    from pipeline.run.push_pull import named, push, target_of

    shared = push(plan, target_of(plan, None), named(plan.steps[id_] for id_ in new.done if id_ in plan.steps))
    for id_, problem in shared.failed.items():
        print(f"error: {id_} was made and cannot be pushed: {problem}", file=sys.stderr)
    if shared.differs:
        print(f"note: {differing_text(plan, shared.differs)}", file=sys.stderr)
    return made + _Made(failed=list(shared.failed))


def _print_failures(plan: Plan, outcome: Outcome, debug: bool) -> None:
    """Print each message once, however many folds and seeds failed with it, and what was left out."""
    alike: dict[str, list[str]] = {}
    for id_, failure in outcome.failed.items():
        alike.setdefault(failure.message, []).append(id_)
    for message, ids in alike.items():
        more = f" and {_steps(len(ids) - 1)} more" if len(ids) > 1 else ""
        print(f"error: {ids[0]}{more}: {message}", file=sys.stderr)
        if debug:
            print(outcome.failed[ids[0]].traceback, file=sys.stderr)
    lost: dict[tuple[str, str], list[str]] = {}
    for id_, cause in outcome.left_out.items():
        lost.setdefault((plan.steps[id_].entry, plan.steps[cause].entry), []).append(id_)
    for (entry, need), ids in lost.items():
        if len(ids) == 1:
            print(f"left out: {ids[0]}, because it needs {outcome.left_out[ids[0]]}", file=sys.stderr)
        else:
            print(f"left out: {_steps(len(ids))} of {entry}, because they need steps of {need}", file=sys.stderr)


def _check_broken(plan: Plan, how: _How) -> None:
    """Stop where something that was made with `skip` drops recordings, is not made again, and this run says `fail`."""
    if plan.points[0].experiment.on_bad_recording == "fail" and (reasons := broken_reasons(plan, how.force)):
        listed = [f"  {reason}" for reason in reasons[:10]]
        listed += [f"  and {len(reasons) - 10} more, see `pipeline status`"] if len(reasons) > 10 else []
        raise StepError(
            f"{broken_count(plan, how.force)} cannot be used:\n" + "\n".join([*listed, *doubts(plan)]) + "\n"
            "  mend or remove them, or set `on_bad_recording: skip` to go on without these recordings"
        )


def _note_edited(plan: Plan) -> None:
    """Tell that the stages file is another one by now."""
    try:
        if read_text(plan.path) == plan.snapshot.text:
            return
        how = "changed"
    except ConfigError:
        how = "went away"
    print(f"note: {plan.path} {how} while this ran, which went on with it as it was at its beginning", file=sys.stderr)


def _tell_what_differs(plan: Plan, states: Mapping[str, str], made: _Made) -> None:
    """Say which inputs of what was made or fetched now differ from the remotes'; a run that did nothing asks nobody."""
    new = [id_ for id_ in (*made.done, *made.fetched) if id_ in plan.steps]
    inputs = dict.fromkeys(need for id_ in new for need in plan.steps[id_].needs if states[need] == "cached")
    if plan.chain.urls and inputs:
        from pipeline.run.push_pull import compare

        if differs := compare(plan, [plan.steps[id_] for id_ in inputs]):
            print(f"note: {differing_text(plan, differs)}", file=sys.stderr)


def _summary(plan: Plan, chosen: Mapping[str, Step], made: _Made, seconds: float) -> str:
    from pipeline.formatting import duration
    from pipeline.report.results_text import notes, results_text

    lines = []
    if any(step.stage == "evaluate" and plan.states[step.id] == "cached" for step in plan.steps.values()):
        lines.append(results_text(plan))
    else:
        lines += notes(plan)
    remote = sum(plan.states[id_] == "remote" for id_ in chosen)
    others = len(chosen) - len({*made.done, *made.fetched, *made.failed} & chosen.keys()) - remote
    rest = [f"{len(made.fetched)} fetched"] if made.fetched else []
    rest += [f"{others} cached before"]
    rest += [f"{remote} in a remote and not needed here"] if remote else []
    if made.failed:
        lines.append(f"{_steps(len(made.failed))} failed or left out, {len(made.done)} done, {', '.join(rest)}")
    elif made.done or made.fetched:
        lines.append(f"{_steps(len(made.done))} done in {duration(seconds)}, {', '.join(rest)}")
    else:
        away = f", {remote} of them in a remote" if remote else ""
        lines.append(f"everything is cached ({_steps(others + remote)}{away}), nothing to do")
    return "\n".join(lines)


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"
