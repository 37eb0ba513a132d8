"""Run an experiment: the index if it is missing, then the rest, as often as recordings break on the way.

From here the way goes to `pipeline.run.runner`, which does the steps of a plan.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pipeline.errors import ConfigError, StepError
from pipeline.formatting import counted, shortened
from pipeline.lock import LockNotWritable, lock_path, update_lock
from pipeline.plan import planner
from pipeline.plan.planner import Plan, states_of
from pipeline.plan.runs.remembering import Remembering, remembering
from pipeline.plan.steps.step import runs_network
from pipeline.report.differing_outputs import note_differing
from pipeline.report.lock_changes import lock_changes_text
from pipeline.report.plan_notes import broken_count, broken_reasons, doubts
from pipeline.report.results import result_rows
from pipeline.run.outcome import Outcome, RunOptions
from pipeline.run.selection import select_steps, steps_to_materialise, with_needs
from pipeline.terminal import note
from store.errors import StoreError


def run_experiment(
    plan: Plan, plan_again: Callable[[], Plan], options: RunOptions, total: Outcome
) -> tuple[Plan, Outcome]:
    """Run the index if it is missing, then the rest; return the plan by which that was done, with its states now.

    What was done is added to `total` before figures are read, which may be damaged.
    """
    with remembering(options.until or options.only or "") as log:
        plan, outcome = _run_planned(plan, plan_again, options, log)
        total.add(outcome)
        log.end(plan, "failed" if outcome.unsuccessful else "done", partial(_figures, plan))
    if plan.history.write_error:
        note(f"cleaning may free what this run uses, which it cannot name in the store: {plan.history.write_error}")
    return plan, outcome


def run_trial(plan: Plan, options: RunOptions) -> tuple[Plan, Outcome]:
    """Do the missing steps of a plan of `plan_points`; return the plan by which that was done, with its states now.

    That is what its evaluations lack: a model whose evaluation is there, or in a remote, is not asked for. It is
    remembered as no run of the stages file, whose lock stays as it is; what fails is left to the caller to tell.
    """
    outcome, outdated = Outcome(), True
    while outdated:
        _check_broken(plan, ())
        wanted = with_needs(plan, evaluations(plan), stop_at=("cached", "remote"))
        new = _run(plan, options, outcome.done, lambda _: None, wanted)
        outcome.add(new)
        outdated = new.outdated
        plan = planner.plan_again(plan) if outdated else plan
        plan.history.record(plan.history.unrecorded_steps(plan.steps.values(), plan.states))
    return plan, outcome


def evaluations(plan: Plan) -> list[str]:
    """Return the ids of a plan's evaluations."""
    return [step.id for step in plan.steps.values() if step.stage == "evaluate"]


def _figures(plan: Plan) -> list[dict[str, Any]]:
    return [row.as_json() for row in result_rows(plan)]


def _run_planned(
    plan: Plan, plan_again: Callable[[], Plan], options: RunOptions, log: Remembering
) -> tuple[Plan, Outcome]:
    outcome = Outcome()
    if not plan.indexed and options.only is None:
        outcome.add(_run(plan, replace(options, until="index", force=()), (), log.begin))
        _print_failures(plan, outcome, options.tracebacks)
        plan = plan_again()
    outdated = not outcome.failed
    while outdated:  # each time recordings broke while they were encoded, so that others are trained and tested on
        _check_broken(plan, options.force)
        _update_lock(plan)
        states = dict(plan.states)
        new = _run(plan, options, outcome.done, log.begin)
        _print_failures(plan, new, options.tracebacks)
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


def _run(
    plan: Plan,
    options: RunOptions,
    done: Collection[str],
    begin: Callable[[Plan], None],
    wanted: Collection[str] | None = None,
) -> Outcome:
    """Do the selected steps of a plan that are missing; steps in `done` are not forced again.

    `begin` is called before the first of them. Of the selected ones only those in `wanted` are done, where it is given.
    """
    steps = select_steps(plan, options.until, options.only)
    forced = {id_ for id_, step in steps.items() if not set(step.entries).isdisjoint(options.force)} - {*done}
    newly_pinned = plan.history.pin((step.stage, step.key) for step in steps.values())
    if remote := [(step.stage, step.key) for step in steps.values() if plan.states[step.id] == "remote"]:
        from pipeline.run.push_pull import pin_in_remotes

        newly_pinned |= pin_in_remotes(plan, remote)
    if newly_pinned:  # until now, a cleaning may have freed what the plan has seen
        seen = (step for step in steps.values() if plan.states[step.id] in ("cached", "remote"))
        plan.states.update(states_of(plan.chain, seen))
    ids = [id_ for id_ in steps_to_materialise(plan, steps, forced) if wanted is None or id_ in wanted]
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

    begin(plan)
    return run_steps(plan, ids, options, forced, _expected(plan))


def _expected(plan: Plan) -> Callable[[str], float | None]:
    """Return what says how long a step will take to compute, as `status` does; nothing of one that is fetched."""
    from pipeline.report.cost.estimates import Estimates

    estimates = Estimates(plan)
    return lambda id_: None if plan.states[id_] == "remote" else estimates.if_computed(plan.steps[id_]).seconds


def _print_failures(plan: Plan, outcome: Outcome, tracebacks: bool) -> None:
    """Print each message once, however many folds and seeds failed with it, and what was skipped."""
    by_message: dict[str, list[str]] = {}
    for id_, failure in outcome.failed.items():
        by_message.setdefault(failure.message, []).append(id_)
    for message, ids in by_message.items():
        more = f" and {counted(len(ids) - 1, 'step')} more" if len(ids) > 1 else ""
        print(f"error: {ids[0]}{more}: {message}", file=sys.stderr)
        if tracebacks:
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


def _note_differing_inputs(plan: Plan, states: Mapping[str, str], ids: Iterable[str]) -> None:
    """Print which inputs of the steps that were done now differ from the remotes'; asks no remote if there are none.

    `states` are those before the steps were done: inputs that were cached then came from elsewhere.
    """
    inputs = dict.fromkeys(need for id_ in ids for need in plan.steps[id_].needs if states[need] == "cached")
    if plan.chain.urls and inputs:
        from pipeline.run.push_pull import compare

        note_differing(plan, compare(plan, [plan.steps[id_] for id_ in inputs]))
