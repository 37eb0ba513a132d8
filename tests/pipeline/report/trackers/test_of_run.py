"""What a run shows as its steps end: each training, then its test, and of others nothing anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pipeline.errors import TrackerError
from pipeline.report.trackers.tracked import Tracked, Trained
from pipeline.report.trackers.trackers import OfRun, Trackers


@dataclass
class Shown:
    """A tracker that keeps what it is shown: the model, and whether it was tested."""

    place: str = "--shown"
    down: bool = False
    runs: list[tuple[str, bool]] = field(default_factory=list)

    def write(self, trained: Trained, run: Tracked) -> None:
        if self.down:
            raise TrackerError("is down")
        self.runs.append((run.model, bool(run.test)))


class Steps(dict[str, Any]):
    """Steps of a plan that may be looked up, and not gone through once they are closed."""

    closed = False

    def __iter__(self) -> Iterator[str]:
        assert not self.closed, "all steps are gone through"
        return super().__iter__()

    def values(self) -> Any:
        assert not self.closed, "all steps are gone through"
        return super().values()

    items = values


@pytest.fixture
def plan(finished: Any) -> Any:
    """The small experiment's plan, of which nothing is trained yet."""
    found = finished.plan()
    states = {id_: "todo" if step.stage != "encode" else "cached" for id_, step in found.steps.items()}
    return replace(found, steps=Steps(found.steps), states=states)


def end(of_run: OfRun, plan: Any, entry: str) -> None:
    """Let the steps of an entry end: ``student``, or ``evaluate student``."""
    stage, _, model = entry.rpartition(" ")
    id_ = f"evaluate[{model},subjects=odd,seed=0]" if stage else f"{model}[subjects=odd,seed=0]"
    plan.states[id_] = "cached"
    of_run.step_ended(plan, id_)


def test_the_end_of_a_step_shows_what_it_made_and_goes_through_no_others(plan: Any) -> None:
    shown = Shown()
    of_run = OfRun(Trackers([shown]), ())
    end(of_run, plan, "teacher")
    plan.steps.closed = True
    for entry in ("student", "evaluate teacher", "distilled", "evaluate distilled"):
        end(of_run, plan, entry)
    expected = [("teacher", False), ("student", False), ("teacher", True), ("distilled", False), ("distilled", True)]
    assert shown.runs == expected
    plan.steps.closed = False
    of_run.finish(plan)
    assert shown.runs == expected


def test_what_was_there_before_is_shown_with_the_first(plan: Any) -> None:
    shown = Shown()
    plan.states["teacher[subjects=odd,seed=0]"] = "cached"
    end(OfRun(Trackers([shown]), ()), plan, "student")
    assert shown.runs == [("teacher", False), ("student", False)]


def test_a_test_that_was_there_before_its_training(plan: Any) -> None:
    """As where both are fetched, in whatever order."""
    shown = Shown()
    of_run = OfRun(Trackers([shown]), ())
    end(of_run, plan, "evaluate student")
    end(of_run, plan, "student")
    assert shown.runs == [("student", True)]


def test_one_that_is_down_gets_all_at_the_end(plan: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shown, other = Shown(down=True), Shown("--other")
    of_run = OfRun(Trackers([shown, other]), ())
    for entry in ("teacher", "student"):
        end(of_run, plan, entry)
    assert capsys.readouterr().err == "note: --shown: is down; tried again at the end\n"
    with pytest.raises(TrackerError, match="nothing is lost: `pipeline report --shown` writes it"):
        of_run.finish(plan)
    shown.down = False
    of_run.finish(plan)
    assert shown.runs == other.runs == [("teacher", False), ("student", False)]
