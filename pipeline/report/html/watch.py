"""Plans of experiments while they are run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from pipeline.plan.planner import Plan, plan_again


def changes(plans: Mapping[str, Plan], every_s: float = 2.0) -> Iterator[tuple[Mapping[str, Plan], bool]]:
    """Yield plans whenever steps have ended, at first as they are, and whether all steps are done; then no more."""
    shown: list[dict[str, str]] = []
    while True:
        states = [plan.states for plan in plans.values()]
        done = all(state == "cached" for each in states for state in each.values())
        if states != shown:
            yield plans, done
            shown = states
        if done:
            return
        time.sleep(every_s)
        plans = {name: plan_again(plan) for name, plan in plans.items()}
