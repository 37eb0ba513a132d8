"""Which steps of a plan a command is about."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan
from pipeline.plan.step import Step
from pipeline.stagesfile.schema import did_you_mean


def check_entry(plan: Plan, option: str, name: str | None) -> None:
    """Raise ConfigError where an option names an entry that the stages file lacks."""
    entries = list(dict.fromkeys(entry for step in plan.steps.values() for entry in step.entries))
    if name is not None and name not in entries:
        raise ConfigError(f"{option} {name}: no such entry in {plan.path}\n  {did_you_mean(name, entries)}")


def wanted(plan: Plan, until: str | None, only: str | None) -> dict[str, Step]:
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


def with_needs(plan: Plan, steps: Iterable[str]) -> set[str]:
    """Return steps and all that they need, directly or not."""
    found: set[str] = set()
    waiting = list(steps)
    while waiting:
        step = waiting.pop()
        if step not in found:
            found.add(step)
            waiting += plan.steps[step].needs
    return found


def _check_inputs(plan: Plan, chosen: set[str], only: str) -> None:
    missing = [n for s in chosen for n in plan.steps[s].needs if plan.states[n] != "cached" and n not in chosen]
    if missing:
        raise ConfigError(f"--only {only}: needs {missing[0]}, which is not in the store\n  use --until {only}")
