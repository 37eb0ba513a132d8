"""Which step runs when: with workers that only say that they are done, or that they failed."""

from __future__ import annotations

from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import pytest

from pipeline.formatting import duration
from pipeline.run import runner
from pipeline.run.display.lines import Display
from pipeline.run.display.live import LiveDisplay
from pipeline.run.messages import Message, StepDone, StepFailed, StepJob, StepProgress
from pipeline.run.outcome import Outcome, RunOptions
from pipeline.run.pool import Pool

ALL = ("modalities", ["rgb", "depth", "skeleton", "inertial"])


class Workers:
    """Stands for `Pool`; a job ends when the run asks for the next event, the oldest first."""

    in_order = Pool.in_order
    has_room = Pool.has_room
    gpus = 0

    def __init__(self, size: int) -> None:
        self.size = size
        self.events = self
        self.started: list[str] = []
        self.together: list[set[str]] = []
        self.as_one: list[list[str]] = []
        self.failing: set[str] = set()
        self.closed = False
        self._queue: SimpleQueue[str] = SimpleQueue()
        self._running: set[str] = set()

    def start(self, jobs: list[StepJob]) -> None:
        self.as_one.append([job.step for job in jobs])
        for step in self.as_one[-1]:
            self.started.append(step)
            self._running.add(step)
            self.together.append(set(self._running))
            self._queue.put(step)

    def get(self, timeout: float | None = None) -> tuple[str, Message]:
        step = self._queue.get_nowait()
        self._running.discard(step)
        return step, StepFailed("no luck", "") if step in self.failing else StepDone(0.5, 10, "cpu")

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    made = Workers(0)

    def make(size: int, device: str) -> Workers:
        made.size = size
        return made

    monkeypatch.setattr(runner, "Pool", make)
    yield made
    assert made.closed


def run(plan: Any, jobs: int = 4, together: int | None = 1) -> Outcome:
    return runner.run_steps(plan, plan.steps, RunOptions(jobs=jobs, device="cpu", together=together))


def test_each_step_runs_once_what_it_needs_is_there(project: Any, workers: Workers) -> None:
    plan = project.plan(("seeds", [0, 1]))
    outcome = run(plan)
    assert sorted(workers.started) == sorted(plan.steps) == sorted(outcome.done)
    for step in plan.steps.values():
        place = workers.started.index(step.id)
        assert all(workers.started.index(need) < place for need in step.needs)
        assert not workers.together[place] & set(step.needs)
    assert max(map(len, workers.together)) == 4


def test_cached_steps_do_not_run(finished: Any, tmp_path: Any, workers: Workers) -> None:
    project = finished.copy(tmp_path / "copy")
    run(project.plan(("stages.student.fit.epochs", 2)))
    assert workers.started == ["student[subjects=odd,seed=0]", "evaluate[student,subjects=odd,seed=0]"]


def test_video_and_index_run_alone(project: Any, workers: Workers) -> None:
    run(project.plan(ALL))
    for steps in workers.together:
        if steps & {"index", "encode[rgb]", "encode[depth]"}:
            assert len(steps) == 1
    assert {"encode[skeleton]", "encode[inertial]"} in workers.together


def test_one_job_at_a_time(project: Any, workers: Workers) -> None:
    run(project.plan(ALL), jobs=1)
    assert {len(steps) for steps in workers.together} == {1}


@pytest.mark.parametrize("jobs", [1, 8])  # with room for more, those that a stack leads to wait for its last one
def test_models_that_differ_in_their_seed_only_are_trained_as_one(project: Any, workers: Workers, jobs: int) -> None:
    outcome = run(project.plan(("seeds", [0, 1, 2])), jobs=jobs, together=2)
    several = [steps for steps in workers.as_one if len(steps) > 1]
    assert several == [
        [f"{name}[subjects=odd,seed={n}]" for n in (0, 1)] for name in ("teacher", "student", "distilled")
    ]
    assert {len(steps) for steps in workers.as_one} == {1, 2}
    assert sorted(workers.started) == sorted(outcome.done)


@pytest.mark.parametrize(("gpus", "stacks"), [(0, [1, 1, 1]), (1, [3]), (2, [2, 1])])
def test_left_to_the_program_all_models_are_shared_out_among_the_gpus(
    project: Any, workers: Workers, gpus: int, stacks: list[int]
) -> None:
    workers.gpus = gpus
    run(project.plan(("seeds", [0, 1, 2])), jobs=8, together=None)
    for name in ("teacher", "student"):  # a student waits for no teacher but its own
        assert [len(steps) for steps in workers.as_one if steps[0].startswith(name)] == stacks


def test_folds_are_trained_as_one_where_the_model_allows_it(project: Any, workers: Workers) -> None:
    plan = project.plan(
        ("protocol", "loso"),
        ("modalities", ["skeleton"]),
        ("stages.teacher.model", "trn"),
        ("stages.distilled.loss", "hinton"),
    )
    run(plan, jobs=4, together=8)
    several = {tuple(step.partition("[")[0] for step in steps) for steps in workers.as_one if len(steps) > 1}
    assert several == {("student", "student")}  # trn draws subsets of its own, and each fold has its own teacher


@pytest.mark.parametrize(
    ("failing", "done"),
    [
        ("index", set()),
        ("encode[skeleton]", {"index", "encode[inertial]"}),
        ("teacher[subjects=odd,seed=0]", {
            "index", "encode[skeleton]", "encode[inertial]", "student[subjects=odd,seed=0]",
            "evaluate[student,subjects=odd,seed=0]",
        }),
    ],
)  # fmt: skip
def test_a_failure_stops_only_what_needs_it(project: Any, workers: Workers, failing: str, done: set[str]) -> None:
    plan = project.plan()
    workers.failing = {failing}
    outcome = run(plan)
    assert set(outcome.done) == done
    assert set(outcome.failed) == {failing}
    assert set(outcome.skipped) == plan.steps.keys() - done - {failing}
    assert set(plan.history.steps) == done  # what is done is remembered


def test_history_is_kept_when_the_run_is_interrupted(project: Any, workers: Workers, monkeypatch: Any) -> None:
    plan = project.plan()
    real = workers.get

    def get(timeout: float | None = None) -> tuple[str, Message]:
        if "index" in plan.history.steps or len(workers.started) > 1:
            raise KeyboardInterrupt
        return real()

    monkeypatch.setattr(workers, "get", get)
    with pytest.raises(KeyboardInterrupt):
        run(plan)
    assert set(project.plan().history.steps) == {"index"}


@pytest.mark.parametrize("display", [LiveDisplay, Display])
def test_a_step_without_its_raw_data_fails_on_any_display(
    project: Any, workers: Workers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], display: Any
) -> None:
    from dataclasses import replace

    monkeypatch.setattr(runner, "make_display", display)
    plan = project.plan()
    plan = replace(plan, table=replace(plan.table, present=False))
    outcome = run(plan)
    assert "the raw data is not on this machine" in outcome.failed["index"].message
    assert len(outcome.skipped) == 8
    assert "index: FAILED" in capsys.readouterr().err


@pytest.mark.parametrize("display", [LiveDisplay, Display])
def test_progress_is_shown_for_steps_with_brackets(
    project: Any, workers: Workers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], display: Any
) -> None:
    monkeypatch.setattr(runner, "make_display", display)
    monkeypatch.setattr("pipeline.run.display.lines._LINE_EVERY_S", 0.0)
    real, shown = workers.get, set()

    def get(timeout: float | None = None) -> tuple[str, Message]:
        step = workers._queue.get_nowait()
        workers._queue.put(step)
        if step not in shown:
            shown.add(step)
            return step, StepProgress(1, 4, "recordings")
        return real()

    monkeypatch.setattr(workers, "get", get)
    run(project.plan(), jobs=1)
    said = capsys.readouterr().err
    assert "encode[inertial]: done in 0.5 s" in said
    assert "teacher[subjects=odd,seed=0]: done in 0.5 s" in said


DURATIONS = {0.04: "0.0 s", 9.94: "9.9 s", 10.4: "10 s", 59.4: "59 s", 59.9: "1 min 0 s", 7500: "2 h 5 min"}


@pytest.mark.parametrize(("seconds", "text"), DURATIONS.items())
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text
