"""A run is remembered from the moment that it does something: one that has nothing to do reads and imports nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.plan.planner import Plan

if TYPE_CHECKING:
    from pipeline.plan.runs.log import RunLog
    from pipeline.plan.runs.record import Ending


class Remembering:
    """What becomes a `RunLog` when the run begins."""

    def __init__(self, until: str) -> None:
        self._until = until
        self.log: RunLog | None = None

    def begin(self, plan: Plan) -> None:
        """Remember that steps of this plan are done now; again where it was planned anew."""
        if self.log is None:
            from pipeline.plan.runs.log import RunLog

            self.log = RunLog(plan, self._until)
        self.log.begin(plan)

    def end(self, plan: Plan, ending: Ending, rows: Callable[[], list[dict[str, Any]]]) -> None:
        """Remember how it ended, and its results, if it had begun; an error in reading these is raised."""
        if self.log is not None:
            self.log.end(plan, ending, rows())


@contextmanager
def remembering(until: str) -> Iterator[Remembering]:
    """Give what remembers a run, and remember how the block was left where that was not at its end."""
    remembered = Remembering(until)
    ending: Ending = "failed"
    try:
        yield remembered
    except KeyboardInterrupt:
        ending = "stopped"
        raise
    finally:
        if remembered.log is not None:
            remembered.log.break_off(ending)
            remembered.log.close()
