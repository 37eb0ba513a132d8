"""Plans of experiments while they are run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from pipeline.plan.planner import Plan, plan_again
from pipeline.run.selection import steps_to_materialise


def changes(plans: Mapping[str, Plan], every_s: float = 2.0) -> Iterator[tuple[Mapping[str, Plan], bool]]:
    """Yield plans whenever steps have ended, at first as they are, and whether a run has no more to do; then end."""
    shown: list[dict[str, str]] = []
    while True:
        states = [plan.states for plan in plans.values()]
        done = not any(steps_to_materialise(plan, plan.steps) for plan in plans.values())
        if states != shown:
            yield plans, done
            shown = states
        if done:
            return
        time.sleep(every_s)
        plans = {name: plan_again(plan) for name, plan in plans.items()}
