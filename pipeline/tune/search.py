"""The search: batches of trials, each a plan that is run like any other, until the budget is spent.

There is no state but the store: what comes next follows from the trials before it, and a trial whose evaluations are
in the store is only read. So a search that was killed goes on where it stopped, one that has ended runs nothing, and
one with a larger budget goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.errors import ConfigError, StepError
from pipeline.experiment.running import evaluations, run_trial
from pipeline.plan.planner import Plan, build_points, plan_points
from pipeline.plan.recordings.output_readers import metrics_of
from pipeline.plan.steps.step import Step
from pipeline.registry import TRAINED
from pipeline.run.outcome import Outcome, RunOptions
from pipeline.run.selection import with_needs
from pipeline.stagesfile.document import Document
from pipeline.stagesfile.experiment import Point
from pipeline.tune.defaults import values_in_force
from pipeline.tune.points import as_trial, scores_of, trial_point
from pipeline.tune.sampling.sampler import Told, suggest
from pipeline.tune.study import OuterFold, Study
from pipeline.tune.trial import Score, Trial
from store import OutputName

_OF_THE_SYSTEM = ("[Errno ", "store.errors.")  # in a traceback: a disk, permissions, a store; no part of a search

Settings = Mapping[str, Any]
Asked = tuple[OuterFold, int]  # a trial: of which fold, and its number


class Search:
    """One study as far as it is known.

    Attributes
    ----------
    trials
        By fold of the experiment.
    left
        Trainings that the next batch needs and a dry run did not do.
    made
        What trials with a value were made of, beside what the stages file makes itself.
    """

    def __init__(
        self,
        base: Plan,
        document: Document,
        study: Study,
        found: Mapping[str, Settings],
        failures: Mapping[str, str],
    ) -> None:
        self.study = study
        self.trials: dict[str, list[Trial]] = {fold.name: [] for fold in study.folds}
        self.left = 0
        self.made: set[OutputName] = set()
        self._base, self._document = base, document
        self._found = found  # by earlier searches, by fold
        self._failures = failures  # why steps failed before that would fail again, by key
        self._of_base = {(step.stage, step.key) for step in base.steps.values()}
        self._counted = {key for _, key in self._of_base}  # whose seconds are no trial's, or counted already
        self._in_force: dict[str, Settings] = {}  # what trial 0 has of the space, by fold

    @property
    def seconds(self) -> float:
        """Return what all trials took."""
        return sum(trial.seconds for trials in self.trials.values() for trial in trials)

    def run(self, options: RunOptions, *, dry: bool, ended: Callable[[Search], None]) -> None:
        """Try settings until the budget is spent, or a dry run finds what is not there; `ended` is told of each batch.

        StepError where the settings of the stages file itself fail, or the system fails.
        """
        budget, most, start = self.study.params, self.study.trials, 0
        while most is None or start < most:
            if start and budget.hours is not None and self.seconds >= 3600 * budget.hours:
                break
            end = start + budget.batch if most is None else min(start + budget.batch, most)
            if not self._batch(range(start, end), options, dry):
                break
            start = end
            ended(self)

    def _batch(self, numbers: range, options: RunOptions, dry: bool) -> bool:
        """Do trials, and note what became of them; return False where a dry run finds that some were not done."""
        asked: dict[Asked, Settings] = {}
        for fold in self.study.folds:
            asked |= {(fold, number): tried for number, tried in zip(numbers, self._next(fold, numbers), strict=True)}
        points, reasons = self._points(asked)
        plan, known = self._plan(points)
        outcome = Outcome()
        if dry and (missing := _missing(plan)):
            self.left = sum(step.stage in TRAINED for step in missing)
            return False
        if not dry and any(plan.states[id_] != "cached" for id_ in evaluations(plan)):
            plan, outcome = run_trial(plan, options)
        for (fold, number), tried in asked.items():
            failed = known.get((fold, number)) or (reasons.get((fold, number), ""), "")
            trial = Trial(number, tried, (), *failed) if failed[0] else self._read(plan, outcome, fold, number, tried)
            if trial.reason and not number:
                raise StepError(f"{self.study.entry}: trial 0, the settings of the stages file, failed: {trial.reason}")
            self.trials[fold.name].append(trial)
        return True

    def _next(self, fold: OuterFold, numbers: range) -> list[Settings]:
        """Return the settings of the next trials; the first trial of all is the stages file as it is."""
        first: list[Settings] = [] if numbers.start else [{}]
        in_force = self._in_force.get(fold.name, {})
        told = [Told(trial.settings or in_force, trial.value) for trial in self.trials[fold.name]]
        params = self.study.params
        batch = numbers.start // params.batch
        return [*first, *suggest(self.study.space, told, len(numbers) - len(first), params.seed, batch)]

    def _points(self, asked: Mapping[Asked, Settings]) -> tuple[dict[Asked, Point], dict[Asked, str]]:
        """Return what can be planned, and of all else why it cannot."""
        points: dict[Asked, Point] = {}
        reasons: dict[Asked, str] = {}
        for (fold, number), tried in asked.items():
            found = self._found.get(fold.name, {})
            try:
                point = trial_point(self._base, self._document, self.study, fold, found, tried)
                points[fold, number] = as_trial(point, self._name(fold, number))
            except ConfigError as error:
                reasons[fold, number] = _in_short(str(error))
        steps, problems = build_points(self._base, points.values())
        for each, problem in zip(list(points), problems, strict=True):
            if problem is not None:
                del points[each]
                reasons[each] = _in_short(str(problem))
        for (fold, number), point in points.items():
            if not number:
                known = values_in_force(point, steps.values(), self.study.entry, self.study.space)
                self._in_force[fold.name] = known
        return points, reasons

    def _plan(self, points: Mapping[Asked, Point]) -> tuple[Plan, dict[Asked, tuple[str, str]]]:
        """Plan trials; those that failed before, and would again, are left out: why they did, and which step's key."""
        trial = f"tune-{self.study.entry}{self._base.snapshot.trial}"
        nothing = replace(self._base, steps={}, states={})
        plan = plan_points(self._base, list(points.values()), trial) if points else nothing
        known = {each: problem for each in points if (problem := self._known_failure(plan, each))}
        if known:
            left = [point for each, point in points.items() if each not in known]
            plan = plan_points(self._base, left, trial) if left else nothing
        return plan, known

    def _name(self, fold: OuterFold, number: int) -> str:
        return f"{fold.name.replace('=', '-')}.{number}" if self.study.is_nested else str(number)

    def _steps_of(self, plan: Plan, fold: OuterFold, number: int) -> tuple[dict[tuple[str, int], Step], list[Step]]:
        """Return a trial's evaluations, and all of its steps in the plan's order."""
        scores = scores_of(plan.steps.values(), self._name(fold, number))
        needed = with_needs(plan, (step.id for step in scores.values()))
        return scores, [step for step in plan.steps.values() if step.id in needed]

    def _known_failure(self, plan: Plan, asked: Asked) -> tuple[str, str] | None:
        """Return why a trial failed before, and will again, with the key of the step that did."""
        _, steps = self._steps_of(plan, *asked)
        for step in steps:
            if step.key in self._failures and plan.states[step.id] != "cached":
                return self._failures[step.key], step.key
        return None

    def _read(self, plan: Plan, outcome: Outcome, fold: OuterFold, number: int, tried: Settings) -> Trial:
        """Return what became of a trial that was run."""
        scores, steps = self._steps_of(plan, fold, number)
        seconds = sum(_seconds(plan, step) for step in self._uncounted(steps))
        for step in steps:
            if failed := outcome.failed.get(step.id):
                if any(word in failed.traceback for word in _OF_THE_SYSTEM):
                    name = f"{self.study.entry}: trial {self._name(fold, number)}"
                    raise StepError(f"{name} could not be done, by no fault of its settings: {failed.message}")
                blamed = step.key if "TrainingError" in failed.traceback else ""  # which would come again
                return Trial(number, tried, (), _in_short(failed.message), blamed, seconds)
        read = []
        for (inner, seed), step in scores.items():
            found = plan.chain.output("evaluate", step.key)
            if found is None:
                return Trial(number, tried, (), f"{step.id} is not there", "", seconds)
            read.append(Score(inner, seed, 100 * metrics_of(found).top1, step.key))
        self.made |= {(step.stage, step.key) for step in steps} - self._of_base
        return Trial(number, tried, read, seconds=seconds)

    def _uncounted(self, steps: Sequence[Step]) -> list[Step]:
        new = [step for step in steps if step.key not in self._counted]
        self._counted |= {step.key for step in new}
        return new


def _missing(plan: Plan) -> list[Step]:
    """Return the steps that evaluations of trials lack."""
    wanted = with_needs(plan, evaluations(plan), stop_at=("cached", "remote"))
    return [plan.steps[id_] for id_ in wanted if plan.states[id_] not in ("cached", "remote")]


def _seconds(plan: Plan, step: Step) -> float:
    """Return how long a step took, wherever it was done; 0 where that is not known."""
    found = plan.chain.read(step.stage, step.key, lambda output: output.manifest.provenance.get("seconds", 0.0))
    return float(found) if isinstance(found, int | float) else 0.0


def _in_short(message: str) -> str:
    """Return the problem of a message, without its remedy."""
    return message.partition("\n")[0]
