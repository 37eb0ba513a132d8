"""``pipeline run``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import experiment, plan_of
from pipeline.errors import StepError
from pipeline.lock import lock_path, write_lock
from pipeline.plan.history import Past
from pipeline.plan.planner import Plan
from pipeline.report import status
from pipeline.report.results import random_projections
from pipeline.report.text import broken_count, broken_reasons
from pipeline.run.choose import check_entry, wanted

if TYPE_CHECKING:
    from pipeline.run.runner import Outcome


@click.command()
@experiment
@click.option("--until", metavar="ENTRY", help="Only this entry and what it needs.")
@click.option("--only", metavar="ENTRY", help="Only this entry; what it needs must be there.")
@click.option("--force", metavar="ENTRY", multiple=True, help="Run this entry again even if it is cached. Repeatable.")
@click.option("--dry-run", is_flag=True, help="Show what would run, and stop.")
@click.option("--jobs", type=click.IntRange(min=1), help="Steps at a time; the number of cores where left out.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
    help="Where networks run; auto: on a GPU where there is one.",
)  # fmt: skip
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
    as_json: bool,
) -> int:
    """Run the steps that are not in the store, and print the results."""
    started = time.monotonic()
    if until and only:
        raise click.UsageError("--until and --only exclude each other")
    plan = plan_of(path, settings)
    for option, entry in (("--until", until), ("--only", only), *(("--force", each) for each in force)):
        check_entry(plan, option, entry)
    if dry_run:
        steps = wanted(plan, until, only).values()
        print(json.dumps(status.as_json(plan, steps), indent=1) if as_json else status.as_text(plan, steps))
        return 0
    done: list[str] = []
    failed: list[str] = []
    if not plan.indexed and only is None:
        done, failed = _run(plan, "index", None, (), jobs, device, debug)
        plan = plan_of(path, settings)
    if not failed:
        _check_broken(plan)
        write_lock(lock_path(path), plan.lock, plan.old_lock)
        more, failed = _run(plan, until, only, force, jobs, device, debug)
        done += more
        plan = plan_of(path, settings) if more else plan
        _note_cached(plan)
    if as_json:
        outcome = {"done": done, "failed": failed, **status.as_json(plan, wanted(plan, until, only).values())}
        print(json.dumps(outcome, indent=1))
    elif plan.indexed:
        _print(plan, len(wanted(plan, until, only)), done, failed, time.monotonic() - started)
    return 1 if failed else 0


def _run(
    plan: Plan,
    until: str | None,
    only: str | None,
    force: tuple[str, ...],
    jobs: int | None,
    device: str,
    debug: bool,
) -> tuple[list[str], list[str]]:
    steps = wanted(plan, until, only)
    forced = {id_ for id_, step in steps.items() if not set(step.entries).isdisjoint(force)}
    if not forced and all(plan.states[id_] == "cached" for id_ in steps):
        return [], []
    from pipeline.run.runner import run_steps

    outcome = run_steps(plan, steps, jobs=jobs, device=device, forced=forced)
    _print_failures(plan, outcome, debug)
    return list(outcome.done), [*outcome.failed, *outcome.left_out]


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


def _check_broken(plan: Plan) -> None:
    """Stop where an index that was made with `skip` lists broken recordings and this run says `fail`."""
    if plan.points[0].experiment.on_bad_recording == "fail" and (plan.broken or plan.unparsed):
        reasons = broken_reasons(plan)
        listed = [f"  {reason}" for reason in reasons[:10]]
        listed += [f"  and {len(reasons) - 10} more"] if len(reasons) > 10 else []
        raise StepError(
            f"{broken_count(plan)} cannot be used:\n" + "\n".join(listed) + "\n"
            "  mend or remove them, or set `on_bad_recording: skip` to go on without these recordings"
        )


def _note_cached(plan: Plan) -> None:
    """Remember cached steps that this experiment never ran itself, so that later changes can be explained."""
    known = plan.history.steps
    plan.history.note(
        {
            step.id: Past(step.stage, step.key)
            for step in plan.steps.values()
            if plan.states[step.id] == "cached" and (step.id not in known or known[step.id].key != step.key)
        }
    )


def _print(plan: Plan, steps: int, done: list[str], failed: list[str], seconds: float) -> None:
    from pipeline.report.text import results_text
    from pipeline.run.progress import duration

    cached = steps - len(done) - len(failed)
    if any(step.stage == "evaluate" and plan.states[step.id] == "cached" for step in plan.steps.values()):
        print(results_text(plan))
    elif random_projections(plan):
        print(f"note: features of {', '.join(random_projections(plan))} are random projections (weights: none)")
    if failed:
        print(f"{_steps(len(failed))} failed or left out, {len(done)} done, {cached} cached before")
    elif done:
        print(f"{_steps(len(done))} done in {duration(seconds)}, {cached} cached before")
    else:
        print(f"everything is cached ({_steps(cached)}), nothing to do")


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"
