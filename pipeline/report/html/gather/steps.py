"""The steps of an experiment: what each entry took, what is missing, and how every output was made."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.plan.planner import Plan
from pipeline.report.cost.run_cost import read_manifest
from store import Store

_VERSIONS = ("python", "torch", "platform")


@dataclass(frozen=True)
class StepFacts:
    """A step's output; of one that is not in the store only its name, stage, key and state are known."""

    id: str
    entry: str
    stage: str
    key: str
    state: str
    seconds: float | None = None
    bytes: int | None = None
    device: str = ""
    created: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass
class EntryFacts:
    """An entry's steps together."""

    states: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    bytes: int = 0


def steps_of(plan: Plan) -> list[StepFacts]:
    """Return all steps, with what the manifests of those that are in the store tell."""
    return [
        step_facts(plan.store, step.id, step.entry, step.stage, step.key, plan.states[step.id])
        for step in plan.steps.values()
    ]


def step_facts(store: Store, id_: str, entry: str, stage: str, key: str, state: str) -> StepFacts:
    """Return a step with what its manifest tells, where its state is `cached`."""
    manifest = read_manifest(store, stage, key) if state == "cached" else None
    if manifest is None:
        return StepFacts(id_, entry, stage, key, state)
    noted = manifest.provenance
    return StepFacts(
        id_,
        entry,
        stage,
        key,
        state,
        _seconds(noted.get("seconds")),
        manifest.bytes,
        str(noted.get("device", "")),
        manifest.created,
        {name: str(noted[name]) for name in _VERSIONS if name in noted},
    )


def entries_of(steps: Sequence[StepFacts]) -> dict[str, EntryFacts]:
    """Sum steps up by entry, in their order."""
    entries: dict[str, EntryFacts] = {}
    for step in steps:
        each = entries.setdefault(step.entry, EntryFacts())
        each.states[step.state] += 1
        each.seconds += step.seconds or 0.0
        each.bytes += step.bytes or 0
    return entries


@dataclass(frozen=True)
class LeftOut:
    """A recording or file that is not among what was trained and tested on, and why."""

    recording: str
    stream: str
    reason: str
    found_by: str


def left_out(plan: Plan) -> list[LeftOut]:
    """Return what the index, the listing and encode found unusable."""
    return [
        *(
            LeftOut(recording, stream, reason, "index")
            for recording, streams in plan.broken.items()
            if recording  # else it is unparsed, as below
            for stream, reason in streams.items()
        ),
        *(LeftOut("–", item.stream, f"{item.path}: {item.reason}", "listing") for item in plan.unparsed),
        *(
            LeftOut(recording, plan.steps[id_].work["modality"], reason, id_)
            for id_, skipped in plan.skipped.items()
            for recording, reason in skipped.items()
        ),
    ]


def _seconds(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and math.isfinite(value) and value >= 0 else None
