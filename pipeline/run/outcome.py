"""A run's options, and the outcome of its steps: what `pipeline.run.runner.run_steps` takes and returns."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.plan.history import StepRecord
from pipeline.plan.planner import Plan
from store.errors import NotPermitted, StoreError

if TYPE_CHECKING:
    from pipeline.run.messages import StepDone, StepFailed

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunOptions:
    """Options of ``pipeline run``, under the names that they have there, and who is told of its steps."""

    until: str | None = None  # entries: which steps are selected
    only: str | None = None
    force: tuple[str, ...] = ()  # and which of them are done again although they are cached
    # Steps at a time; None: as many as there are processor cores. Encoding video and indexing use all cores,
    # so nothing is made beside them.
    jobs: int | None = None
    device: str = "auto"  # or ``cpu`` or ``cuda``
    scheduler: str | None = None  # dask's address, or ``local``; None: processes of this run
    # Models that are trained as one, at most, see `trainers.fit.stacked`; None: on a GPU as many as fit, on a CPU one.
    together: int | None = None
    # Wait for a step that another run is doing, and take it over when that run is gone. Otherwise such a step
    # fails when all others have ended.
    wait: bool = True
    tracebacks: bool = False  # print that of a step that fails, beside its message
    # Called with a plan and the id of a step whose output has become available.
    ended: Callable[[Plan, str], None] = lambda plan, id_: None


@dataclass
class Outcome:
    """What became of the steps of a run, by step id."""

    done: dict[str, StepDone] = field(default_factory=dict)  # computed now
    fetched: dict[str, StepDone] = field(default_factory=dict)  # from a remote, or made by another run
    failed: dict[str, StepFailed] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)  # with what they need, which failed
    not_pushed: dict[str, str] = field(default_factory=dict)  # computed, with the reason
    # Whether an output that is now available lacks other recordings than the plan assumed. Training and
    # evaluation must be planned again; those that were waiting were dropped.
    outdated: bool = False

    def add(self, later: Outcome) -> None:
        """Add the outcome of a later run, which has tried again what failed in this one."""
        self.done |= later.done
        self.fetched |= later.fetched
        self.failed, self.skipped, self.outdated = later.failed, later.skipped, later.outdated

    @property
    def unsuccessful(self) -> list[str]:
        """Steps for which the command ends with an error."""
        return [*self.failed, *self.skipped, *self.not_pushed]


def record_outcome(plan: Plan, outcome: Outcome) -> None:
    """Record in the store what was done; where it cannot be written, say so and let the run report its failures."""
    steps = plan.steps
    done = {s: StepRecord(steps[s].stage, steps[s].key, round(d.seconds, 3), d.bytes) for s, d in outcome.done.items()}
    try:
        plan.history.record(done)
        if plan.history.write_error:
            raise NotPermitted(plan.history.write_error)
    except StoreError as error:
        _log.warning("note: this run is not remembered for estimates and explanations: %s", error)
