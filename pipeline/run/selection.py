"""Which steps of a plan a command is about."""

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
    """Select steps: all; an entry and all that it needs; or an entry alone, in the plan's order."""
    check_entry(plan, "--until", until)
    check_entry(plan, "--only", only)
    if only is not None:
        chosen = {step.id for step in plan.steps.values() if only in step.entries}
        _check_inputs(plan, chosen, only)
    elif until is not None:
        chosen = with_needs(plan, (step.id for step in plan.steps.values() if until in step.entries))
    else:
        chosen = set(plan.steps)
    return {id_: step for id_, step in plan.steps.items() if id_ in chosen}


def steps_to_materialise(plan: Plan, steps: Mapping[str, Step], forced: Collection[str] = ()) -> list[str]:
    """Return which of the chosen steps' outputs must be had here: to be run, or else to be fetched.

    Of steps that are in a remote only the last ones, which no chosen step needs; others follow where something that
    runs needs them. Without raw data, no index or encode step either that nothing needs which runs.
    """
    needed = {need for step in steps.values() for need in step.needs}
    found = [
        id_
        for id_ in steps
        if id_ in forced
        or plan.states[id_] in ("todo", "partial")
        or (plan.states[id_] == "remote" and id_ not in needed)
    ]
    if plan.table.present:
        return found
    last = {id_ for id_ in found if id_ not in needed or steps[id_].stage not in ("index", "encode")}
    return [id_ for id_ in found if id_ in forced or id_ in with_needs(plan, last, past=("cached", "remote"))]


def with_needs(plan: Plan, steps: Iterable[str], past: Collection[str] = ()) -> set[str]:
    """Return steps and all that they need, directly or not, but for what those in a state of `past` need."""
    found: set[str] = set()
    waiting = list(steps)
    while waiting:
        step = waiting.pop()
        if step not in found:
            found.add(step)
            waiting += [] if plan.states[step] in past else plan.steps[step].needs
    return found


def _check_inputs(plan: Plan, chosen: set[str], only: str) -> None:
    there = ("cached", "remote")
    missing = [n for s in chosen for n in plan.steps[s].needs if plan.states[n] not in there and n not in chosen]
    if missing:
        raise ConfigError(f"--only {only}: needs {missing[0]}, which is not in the store\n  use --until {only}")
