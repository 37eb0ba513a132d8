"""Records of runs: as many as may be, two processes at once, and what cannot be written stops nothing."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from pipeline.plan.planner import Plan
from pipeline.plan.runs import slots
from pipeline.plan.runs.record import RunRecord, decode, encode
from pipeline.plan.runs.remembered import Runs
from pipeline.plan.runs.remembering import remembering
from store.maintenance.records import Records

from ...project import Project


def break_off(plan: Plan, error: BaseException) -> None:
    """Remember a run that an error ends."""
    with remembering("") as log:
        log.begin(plan)
        raise error


def remember(plan: Plan, until: str = "") -> None:
    """Remember a run that does something and ends well."""
    with remembering(until) as log:
        log.begin(plan)
        log.end(plan, "done", list)


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


def test_the_same_run_in_two_processes_is_one(project: Project) -> None:
    plan = project.plan()
    with remembering("") as one:
        one.begin(plan)
        with remembering("") as other:
            other.begin(plan)
            other.end(plan, "done", list)
        (run,) = Runs(plan.store, project.file).listed
        assert run.record.ending == "done"
    assert numbers(project) == [1]


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
    with remembering("encode") as log:
        log.end(plan, "done", list)
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
