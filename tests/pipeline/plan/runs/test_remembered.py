"""Records of runs: as many as may be, two processes at once, and what cannot be written stops nothing."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from pipeline.plan.planner import Plan
from pipeline.plan.runs import log, slots
from pipeline.plan.runs.record import RunRecord, decode, encode
from pipeline.plan.runs.remembered import Runs
from pipeline.plan.runs.remembering import remembering
from store.maintenance.records import Records

from ...project import Project


def break_off(plan: Plan, error: BaseException) -> None:
    """Remember a run that an error ends."""
    with remembering("") as remembered:
        remembered.begin(plan)
        raise error


def remember(plan: Plan, until: str = "") -> None:
    """Remember a run that does something and ends well."""
    with remembering(until) as remembered:
        remembered.begin(plan)
        remembered.end(plan, "done", list)


def numbers(project: Project) -> list[int]:
    return [run.number for run in Runs(project.plan().store, project.file).listed]


def test_the_oldest_are_forgotten_and_kept_ones_stay(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "MOST_RUNS", 3)
    for seed in (1, 2):
        remember(project.plan(("seeds", [seed])))
    runs = Runs(project.plan().store, project.file)
    runs.keep(runs.find("1"), "first")
    for seed in (3, 4, 5):
        remember(project.plan(("seeds", [seed])))
    assert numbers(project) == [5, 4, 3, 1]
    runs = Runs(project.plan().store, project.file)
    runs.drop(runs.find("first"))
    assert numbers(project) == [5, 4, 3]


def test_two_runs_at_once_have_two_numbers(project: Project) -> None:
    plans = [project.plan(("seeds", [seed])) for seed in range(8)]
    barrier = Barrier(8)

    def run(plan: Plan) -> None:
        barrier.wait()
        remember(plan)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(run, plans))
    assert numbers(project) == [8, 7, 6, 5, 4, 3, 2, 1]


def state(project: Project) -> str:
    """Return how the only run stands, none of whose outputs are there."""
    (run,) = Runs(project.plan().store, project.file).listed
    return run.state(set())


def test_a_run_goes_on_until_the_last_process_that_is_at_it_ends(project: Project) -> None:
    plan = project.plan()
    with remembering("") as one:
        one.begin(plan)
        with remembering("") as other:
            other.begin(plan)
            other.end(plan, "done", list)
            assert state(project) == "running"
        assert state(project) == "running"
        one.end(plan, "failed", list)
        assert state(project) == "failed"
    assert numbers(project) == [1]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("ending", [KeyboardInterrupt, ValueError])
def test_whichever_of_two_processes_is_stopped_the_run_goes_on(
    project: Project, first: int, ending: type[BaseException]
) -> None:
    plan = project.plan()
    logs = [ExitStack(), ExitStack()]
    opened = [log.enter_context(remembering("")) for log in logs]
    for each in opened:
        each.begin(plan)
    stopped, going = logs[first], logs[1 - first]
    with pytest.raises(ending), stopped:
        raise ending
    assert state(project) == "running"
    with going:
        opened[1 - first].end(plan, "failed", list)
    assert state(project) == "failed"


def test_results_of_one_process_stay_when_the_other_is_stopped(project: Project) -> None:
    plan = project.plan()
    stopped = ExitStack()
    stopped.enter_context(remembering("")).begin(plan)
    with remembering("") as other:
        other.begin(plan)
        other.end(plan, "done", lambda: [{"metric": "top1"}])
    with pytest.raises(KeyboardInterrupt), stopped:
        raise KeyboardInterrupt
    (run,) = Runs(plan.store, project.file).listed
    assert run.record.rows == [{"metric": "top1"}]
    assert run.state(run.record.output_names) == "done"


def test_who_joins_a_run_keeps_when_it_began(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(f"2026-01-01T00:00:0{second}+00:00" for second in range(9))
    monkeypatch.setattr(log, "_now", lambda: next(times))
    plan = project.plan()
    with remembering("") as one:
        one.begin(plan)
        with remembering("") as other:
            other.begin(plan)
            other.end(plan, "done", list)
        one.end(plan, "done", list)
    (run,) = Runs(plan.store, project.file).listed
    assert run.record.began == "2026-01-01T00:00:00+00:00"
    assert run.record.ended > run.record.began


@pytest.mark.parametrize(("error", "ending"), [(KeyboardInterrupt, "stopped"), (ValueError, "failed")])
def test_how_it_ended(project: Project, error: type[BaseException], ending: str) -> None:
    plan = project.plan()
    with pytest.raises(error):
        break_off(plan, error())
    (run,) = Runs(plan.store, project.file).listed
    assert (run.record.ending, run.state(set())) == (ending, ending)


def test_an_error_before_anything_is_done_is_no_run(project: Project) -> None:
    with pytest.raises(ValueError), remembering(""):  # noqa: PT011
        raise ValueError
    assert numbers(project) == []


def test_a_part_that_is_there_takes_nothing_from_the_whole(project: Project) -> None:
    plan = project.plan()
    remember(plan)
    with remembering("encode") as remembered:
        remembered.end(plan, "done", list)
    (run,) = Runs(plan.store, project.file).listed
    assert run.record.until == ""
    remember(project.plan(("seeds", [1])), until="encode")
    assert Runs(plan.store, project.file).listed[0].state(set()) == "done until encode"


def test_a_store_that_takes_no_record_stops_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from store.errors import NotPermitted

    def refuse(*_: Any) -> None:
        raise NotPermitted("read-only")

    monkeypatch.setattr(Records, "write", refuse)
    remember(project.plan())
    monkeypatch.undo()
    assert numbers(project) == []


def test_a_record_is_whole_json_without_a_location(project: Project) -> None:
    remember(project.plan(("store", str(project.folder / "other"))))
    (path,) = (project.folder / "other" / "runs").glob("*/*.json")
    assert stat.S_ISREG(path.stat().st_mode)
    record = decode(path.read_bytes())
    assert isinstance(record, RunRecord)
    assert encode(record) == path.read_bytes()
    assert "store" not in json.loads(path.read_bytes())["asked"]
    assert Path(record.path) == project.file
