"""What is checked for an entry, and what the lock says afterwards."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.accept.baseline import NoBaseline, find_baseline
from pipeline.lock import Accepted
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.registry import STAGES
from store import Output
from store.canonical import digest

if TYPE_CHECKING:
    from pipeline.accept.check import CheckResult


@dataclass(frozen=True)
class AcceptanceGroup:
    """Steps of one code, with the earlier output of each that is to be checked."""

    code: str  # its digest
    pairs: list[tuple[Step, Output]] = field(default_factory=list)
    never_made: list[str] = field(default_factory=list)  # ids of steps that have no earlier output


def find_groups(plan: Plan, steps: Iterable[Step]) -> list[AcceptanceGroup]:
    """Find what to check: of stages in shards a part of every modality, of others one step for each code.

    Modalities of one code may go different ways through it; folds and seeds go the same. NoBaseline where nothing
    earlier is there, of any step; StepError where more than code changed.
    """
    targets: dict[str, AcceptanceGroup] = {}
    missing: dict[str, NoBaseline] = {}
    for step in steps:
        if plan.states[step.id] not in ("todo", "partial"):
            continue
        code = digest(step.recipe["code"])
        target = targets.setdefault(code, AcceptanceGroup(code))
        if target.pairs and not STAGES[step.stage].open:
            continue
        try:
            earlier = find_baseline(plan, step)
        except NoBaseline as error:
            missing.setdefault(code, error)
            target.never_made.append(step.id)
            continue
        if not target.pairs or _code(earlier) == _code(target.pairs[0][1]):
            target.pairs.append((step, earlier))
    if not any(target.pairs for target in targets.values()):
        raise next(iter(missing.values()))
    return list(targets.values())


def acceptance(
    entry: str, target: AcceptanceGroup, checked: Sequence[CheckResult], tolerance: float, by: str
) -> Accepted:
    """Return what the lock is to say of checks that were all within the tolerance."""
    difference: dict[str, float] = {}
    for each in (each for check in checked for each in check.differences):
        assert math.isfinite(each.largest)
        difference[each.name] = max(difference.get(each.name, 0.0), float(f"{each.largest:.3g}"))
    return Accepted(
        entry=entry,
        checked=tuple(f"{check.step.id}: {check.what}" for check in checked),
        code=dict(_code(target.pairs[0][1])),
        by=by,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        difference=difference,
        tolerance=tolerance,
    )


def _code(output: Output) -> dict[str, str]:
    code: dict[str, str] = output.manifest.recipe["code"]
    return code
