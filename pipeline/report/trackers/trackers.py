"""What is to show trainings, and which of them it has already."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Protocol

from pipeline.errors import TrackerError
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.report.html.gather.identity import Identity
from pipeline.report.html.gather.outcome import Outcome
from pipeline.report.html.gather.trainings import Training, trainings_of
from pipeline.report.trackers.tracked import Tracked, Trained, names_of, tracked
from pipeline.stagesfile.settings import are_locations, parse_setting
from pipeline.terminal import note
from store import Store, redact_secrets
from store.errors import StoreError

_log = logging.getLogger(__name__)
_SHOWN = ("train", "distil", "evaluate")


class Tracker(Protocol):
    """Something that shows trainings."""

    @property
    def place(self) -> str:
        """The option that names it, without credentials."""

    def write(self, trained: Trained, run: Tracked) -> None:
        """Write one of the trainings, once, however often this is called; TrackerError where it is not taken."""


class Trackers:
    """Several trackers, of which one that fails stops neither the others nor what they show."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self._trackers = trackers
        self._written: dict[str, set[tuple[object, ...]]] = {each.place: set() for each in trackers}
        self._failed: set[str] = set()

    def update(self, trained: Trained) -> None:
        """Write what is new; a tracker that fails is told of, and left out until `finish`."""
        for tracker in self._trackers:
            if tracker.place not in self._failed:
                try:
                    self._write(tracker, trained)
                except TrackerError as error:
                    self._failed.add(tracker.place)
                    note(f"{tracker.place}: {error}; tried again at the end")

    def finish(self, trained: Sequence[Trained]) -> None:
        """Write what is not there yet; TrackerError, after all were tried, where one does not take it."""
        problems = []
        for tracker in self._trackers:
            try:
                for each in trained:
                    self._write(tracker, each)
            except TrackerError as error:
                command = shlex.join(["pipeline", "report", *dict.fromkeys(chain(*(each.asked for each in trained)))])
                remedy = f"nothing is lost: `{command} {tracker.place}` writes it when that is mended"
                problems.append(f"{tracker.place}: {error}\n  {remedy}")
        if problems:
            raise TrackerError("\n".join(problems))

    def _write(self, tracker: Tracker, trained: Trained) -> None:
        written = self._written[tracker.place]
        for model, each in trained.trainings:
            place = (trained.path, trained.variant, model, each.label["fold"], each.label["seed"])
            if (*place, each.key, each.evaluation) not in written:
                tracker.write(trained, tracked(trained.store, each, model))
                written.add((*place, each.key, each.evaluation))


class OfRun:
    """Trackers of what a run makes with settings of ``--set``."""

    def __init__(self, trackers: Trackers, settings: Sequence[str]) -> None:
        self._trackers, self._settings = trackers, settings
        self._planned: _Planned | None = None

    def step_ended(self, plan: Plan, id_: str) -> None:
        """Write what a step has made; where it is the first of a plan, also what was there before."""
        step = plan.steps[id_]
        if step.stage not in _SHOWN:
            return
        steps = None if self._planned is None or self._planned.plan is not plan else self._planned.around(step)
        try:
            self._trackers.update(self._trained(plan, steps))
        except StoreError as error:  # an output is damaged, which `finish` will find, too
            _log.info("not shown yet: %s", error)

    def finish(self, plan: Plan) -> None:
        """Write what is not there yet; TrackerError where a tracker does not take it."""
        self._trackers.finish([self._trained(plan, None)])

    def _trained(self, plan: Plan, steps: Sequence[Step] | None) -> Trained:
        if self._planned is None or self._planned.plan is not plan:
            self._planned = _Planned(plan)
        return _of_file(plan.store, plan.path, self._settings, self._planned.trainings(steps))


class _Planned:
    """What a plan says of trainings, gathered once, so that the end of a step is no work for all others."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._names = names_of(trainings_of(plan))
        self._around: dict[str, list[Step]] = {}  # by a training's key: what makes it, and what tests it
        for step in plan.steps.values():
            if step.stage in _SHOWN:
                self._around.setdefault(_trained_by(step), []).append(step)

    def around(self, step: Step) -> Sequence[Step]:
        """Return the steps that make and test what a step made, or tested."""
        return self._around[_trained_by(step)]

    def trainings(self, steps: Sequence[Step] | None) -> list[tuple[str, Training]]:
        """Return the trainings that steps made and tested, with the model's name; None: all."""
        return _named(self._names, trainings_of(self.plan, steps))


def _trained_by(step: Step) -> str:
    """Return the key of the training that a step is, or tests."""
    key: str = step.recipe["model"] if step.stage == "evaluate" else step.key
    return key


def open_trackers(tensorboard: Path | None, mlflow: str | None) -> Trackers:
    """Return those that are asked for; ConfigError where what one needs is not installed, or a place is none."""
    opened: list[Tracker] = []
    if tensorboard is not None:
        from pipeline.report.trackers.event_files import EventFiles

        opened.append(EventFiles(tensorboard))
    if mlflow is not None:
        from pipeline.report.trackers.mlflow_runs import MlflowRuns

        opened.append(MlflowRuns(mlflow))
    return Trackers(opened)


def trained_of(outcome: Outcome) -> Trained:
    """Return what was trained of a stages file, or in a run."""
    path, trainings = Path(outcome.path), _named(names_of(outcome.trainings), outcome.trainings)
    if outcome.run:
        return Trained(outcome.store, path, f"run {outcome.run}", trainings, [outcome.run])
    return _of_file(outcome.store, path, outcome.settings, trainings)


def _named(
    names: Mapping[Identity, str], trainings: Mapping[Identity, Sequence[Training]]
) -> list[tuple[str, Training]]:
    return [(names[model], each) for model, own in trainings.items() for each in own]


def _of_file(store: Store, path: Path, settings: Sequence[str], trainings: Sequence[tuple[str, Training]]) -> Trained:
    asked = [f"--set={redact_secrets(each)}" for each in settings]
    return Trained(store, path, variant_of(settings), trainings, asked)


def variant_of(settings: Sequence[str]) -> str:
    """Return what settings change, but for where data and outputs are: ``fit.lr=1e-4, seeds=[0]``."""
    changing = [each for each in settings if not are_locations([parse_setting(each)])]
    return redact_secrets(", ".join(changing))
