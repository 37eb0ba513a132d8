"""The trail in the store: an output of its own, made from the evaluations, so that cleaning keeps these as well.

It is named in the stages file's reference as one of its steps, ``tune[teacher]``, until `gc --forget` drops that.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec

from pipeline.plan.history import StepRecord, user_name
from pipeline.plan.planner import Plan
from pipeline.tune.trail.records import Trail
from pipeline.version import DISTRIBUTION, full_version
from store import OutputName
from store.canonical import digest
from store.errors import DraftLocked, NotPermitted, StoreError

STAGE = "tune"
_OBJECT = "trail.json"


def keep_trail(base: Plan, trail: Trail) -> str:
    """Write a trail into the store, and name it; return its key.

    One that is no more than the beginning of what was kept before takes no place of that.
    """
    past = base.history.steps.get(step_id(trail.entry))
    if past and (kept := kept_trail(base, trail.entry)) and kept.goes_on_from(trail):
        return past.key
    content: dict[str, Any] = msgspec.to_builtins(trail)
    keys = [key for _, key in evaluations_of(trail)]
    recipe = {"format": 1, "stage": STAGE, "entry": trail.entry, "trail": digest(content), "evaluations": keys}
    key = digest(recipe)
    base.history.pin([(STAGE, key)])
    if not base.store.has(STAGE, key):
        with suppress(DraftLocked), base.store.draft(STAGE, key, recipe=recipe, inputs=keys) as draft:
            draft.write(_OBJECT, msgspec.json.encode(trail))
            seconds = sum(trial.seconds for fold in trail.folds for trial in fold.trials)
            program = f"{DISTRIBUTION} {full_version()}"
            draft.publish({"program": program, "user": user_name(), "seconds": round(seconds, 3)})
    base.history.record({step_id(trail.entry): StepRecord(STAGE, key)})
    return key


def evaluations_of(trail: Trail) -> list[OutputName]:
    """Return the outputs that a trail's values are read from."""
    keys = (score.key for fold in trail.folds for trial in fold.trials for score in trial.scores)
    return [("evaluate", key) for key in dict.fromkeys(keys)]


def kept_trail(base: Plan, entry: str) -> Trail | None:
    """Return the trail that was kept last of an entry; None where there is none that can be read."""
    past = base.history.steps.get(step_id(entry))
    with suppress(StoreError, msgspec.ValidationError, NotPermitted):
        if past and past.stage == STAGE and (found := base.chain.output(STAGE, past.key)):
            return found.read_json(_OBJECT, Trail)
    return None


def step_id(entry: str) -> str:
    """Name a search among the steps of an experiment."""
    return f"{STAGE}[{entry}]"
