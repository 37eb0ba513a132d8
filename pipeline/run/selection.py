"""Which steps of a plan a command selects, and which of their outputs must be made available for it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.stagesfile.schema import did_you_mean


def check_entry(plan: Plan, option: str, name: str | None) -> None:
    """Raise ConfigError where an option names an entry that the stages file lacks."""
    entries = list(dict.fromkeys(entry for step in plan.steps.values() for entry in step.entries))
    if name is not None and name not in entries:
        raise ConfigError(f"{option} {name}: no such entry in {plan.path}\n  {did_you_mean(name, entries)}")


def check_scheduler(text: str) -> None:
    """Raise ConfigError where an option is no scheduler's address."""
    if text != "local" and not re.fullmatch(r"(tcp|tls|ws|wss|ucx)://.+", text):
        raise ConfigError(f"--scheduler {text}: give local, or the scheduler's address, such as tcp://HOST:8786")


def of_entries(plan: Plan, entries: Collection[str]) -> list[Step]:
    """Return the steps of some entries, or all where none is named."""
    for name in entries:
        check_entry(plan, "ENTRY", name)
    return [step for step in plan.steps.values() if not entries or not set(step.entries).isdisjoint(entries)]


def select_steps(plan: Plan, until: str | None, only: str | None) -> dict[str, Step]:
    """Select steps: all; an entry and all that it needs; or an entry alone, in the plan's order.

    ConfigError where an entry alone needs an output that is in no store.
    """
    if only is not None:
        selected = {step.id for step in plan.steps.values() if only in step.entries}
        needs = (need for id_ in selected for need in plan.steps[id_].needs if need not in selected)
        if missing := [need for need in needs if plan.states[need] not in ("cached", "remote")]:
            raise ConfigError(f"--only {only}: needs {missing[0]}, which is not in the store\n  use --until {only}")
    elif until is not None:
        selected = with_needs(plan, (step.id for step in plan.steps.values() if until in step.entries))
    else:
        selected = set(plan.steps)
    return {id_: step for id_, step in plan.steps.items() if id_ in selected}


def steps_to_materialise(plan: Plan, steps: Mapping[str, Step], forced: Collection[str] = ()) -> list[str]:
    """Return the ids of those selected steps that must be computed, or fetched for their own sake.

    Of outputs that are in a remote these are only the ones that no selected step needs: what a step that is computed
    needs, the runner fetches. Without raw data, index and encode steps are left out unless such a step needs them.
    """
    needed = {need for step in steps.values() for need in step.needs}
    missing = [
        id_
        for id_ in steps
        if id_ in forced
        or plan.states[id_] in ("todo", "partial")
        or (plan.states[id_] == "remote" and id_ not in needed)
    ]
    if plan.table.present:
        return missing
    goals = {id_ for id_ in missing if id_ not in needed or steps[id_].stage not in ("index", "encode")}
    computable = with_needs(plan, goals, stop_at=("cached", "remote"))
    return [id_ for id_ in missing if id_ in forced or id_ in computable]


def with_needs(plan: Plan, steps: Iterable[str], stop_at: Collection[str] = ()) -> set[str]:
    """Return steps and all that they need, directly or not; steps in a state of `stop_at` add no needs."""
    result: set[str] = set()
    waiting = list(steps)
    while waiting:
        step = waiting.pop()
        if step not in result:
            result.add(step)
            waiting += [] if plan.states[step] in stop_at else plan.steps[step].needs
    return result


def depending(steps: Iterable[Step], on: Iterable[str]) -> dict[str, str]:
    """Return which steps need, directly or not, some others, and which of their needs that is.

    `steps` come after those that they need.
    """
    found: dict[str, str] = {}
    these = {*on}
    for step in steps:
        if cause := next((need for need in step.needs if need in these or need in found), None):
            found[step.id] = cause
    return found
