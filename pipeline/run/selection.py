"""Which steps of a plan a command selects, and which of their outputs must be made available for it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError
from pipeline.formatting import shortened
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.stagesfile.schema import did_you_mean

if TYPE_CHECKING:
    from store import OutputName, Store

_MOST_NAMES = 12  # that are listed where a word is none of them


def check_entry(plan: Plan, option: str, name: str | None) -> None:
    """Raise ConfigError where an option names an entry, or the id of a step, that the stages file lacks."""
    entries = list(dict.fromkeys(entry for step in plan.steps.values() for entry in step.entries))
    if name is not None and name not in entries and name not in plan.steps:
        raise ConfigError(f"{option} {name}: no such entry in {plan.path}\n  {did_you_mean(name, entries)}")


def check_scheduler(text: str) -> None:
    """Raise ConfigError where an option is no scheduler's address."""
    if text != "local" and not re.fullmatch(r"(tcp|tls|ws|wss|ucx)://.+", text):
        raise ConfigError(f"--scheduler {text}: give local, or the scheduler's address, such as tcp://HOST:8786")


def steps_of(plan: Plan, word: str) -> list[Step]:
    """Return the steps of an entry, or the one step of an id; none where a word is neither."""
    return [step for step in plan.steps.values() if word == step.id or word in step.entries]


def outputs_of(plan: Plan, words: Collection[str], stores: Collection[Store]) -> dict[OutputName, str]:
    """Return the outputs that some words name, with the ids of their steps: all of the plan's where there is no word.

    A word is an entry, a step's id, or an output's key or its beginning: of a step of the plan, or in one of `stores`,
    whose outputs that are no step's have an empty id. ConfigError where it is none of these, or of several keys.
    """
    own = {(step.stage, step.key): step.id for step in plan.steps.values()}
    if not words:
        return own
    found: dict[OutputName, str] = {}
    held: dict[OutputName, str] | None = None
    for word in words:
        named = {(step.stage, step.key): step.id for step in steps_of(plan, word)}
        if not named:
            held = {name: "" for store in stores for name in store.outputs()} if held is None else held
            name = with_key(word, held | own)
            if name is None:
                raise _no_such(plan, word, [store.url for store in stores])
            named = {name: own.get(name, "")}
        found |= named
    return found


def with_key(word: str, names: Iterable[OutputName]) -> OutputName | None:
    """Return the output whose key a word is, or begins; None where there is none, ConfigError where there are several.

    A stage and a slash may stand before it.
    """
    stage, slash, key = word.rpartition("/")
    fits = [name for name in names if key and name[1].startswith(key) and (not slash or name[0] == stage)]
    exact = [name for name in fits if name[1] == key]
    if len(exact or fits) > 1:
        longer = ", ".join(f"{stage} {each[: len(key) + 4]}" for stage, each in sorted(fits)[:5])
        raise ConfigError(f"WHAT {word}: {len(fits)} outputs have keys that begin so\n  write more of it: {longer}")
    return next(iter(exact or fits), None)


def _no_such(plan: Plan, word: str, urls: Collection[str]) -> ConfigError:
    """Say that a word is no entry or step of a plan, and begins no key; name the nearest that it could have been."""
    entry, bracket, _ = word.partition("[")
    steps = steps_of(plan, entry) if bracket else []
    entries = dict.fromkeys(entry for step in plan.steps.values() for entry in step.entries)
    names = [step.id for step in steps] or [*entries]
    if len(names) > _MOST_NAMES:
        names = difflib.get_close_matches(word, names, len(names), cutoff=0.0)
    where = f"output in {', '.join(urls)}" if urls else "step's output"
    return ConfigError(
        f"WHAT {word}: no such entry or step in {plan.path}, and no {where} has a key that begins so\n"
        f"  {did_you_mean(word, shortened(names, _MOST_NAMES))}"
    )


def select_steps(plan: Plan, until: str | None, only: str | None) -> dict[str, Step]:
    """Select steps: all; an entry, or a step by its id, and all that it needs; or that alone, in the plan's order.

    ConfigError where an entry alone needs an output that is in no store.
    """
    if only is not None:
        selected = {step.id for step in plan.steps.values() if only in (step.id, *step.entries)}
        needs = (need for id_ in selected for need in plan.steps[id_].needs if need not in selected)
        if missing := [need for need in needs if plan.states[need] not in ("cached", "remote")]:
            raise ConfigError(f"--only {only}: needs {missing[0]}, which is not in the store\n  use --until {only}")
    elif until is not None:
        selected = with_needs(plan, (step.id for step in plan.steps.values() if until in (step.id, *step.entries)))
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
