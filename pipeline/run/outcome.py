"""What became of the steps of a run."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from pipeline.plan.history import StepRecord
from pipeline.plan.planner import Plan
from pipeline.run.messages import StepDone, StepFailed
from store.errors import NotPermitted, StoreError

_log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What became of the steps of a run.

    Attributes
    ----------
    done, fetched
        Made now; copied from a remote, or made meanwhile by another run.
    failed
        With the message.
    left_out
        For which step that failed.
    outdated
        Whether something that was made drops other recordings than the plan knew. What is trained and tested must be
        planned again; steps of it that were waiting were given up.
    """

    done: dict[str, StepDone] = field(default_factory=dict)
    fetched: dict[str, StepDone] = field(default_factory=dict)
    failed: dict[str, StepFailed] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    outdated: bool = False


def record_outcome(plan: Plan, outcome: Outcome) -> None:
    """Note what was done; a full store must not hide why steps failed."""
    steps = plan.steps
    done = {s: StepRecord(steps[s].stage, steps[s].key, round(d.seconds, 3), d.bytes) for s, d in outcome.done.items()}
    try:
        plan.history.record(done)
        if plan.history.write_error:
            raise NotPermitted(plan.history.write_error)
    except StoreError as error:
        _log.warning("note: this run is not remembered for estimates and explanations: %s", error)
