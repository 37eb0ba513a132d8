"""All that a report shows, as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pipeline.plan.runs.settings import UNSET, differing_keys, flat
from pipeline.report.breakdown import Breakdown, By, break_down
from pipeline.report.comparison.differences import Difference, differences_of
from pipeline.report.comparison.text import unpaired_lines
from pipeline.report.html.gather.confusion import confusion_order
from pipeline.report.html.gather.identity import identity_of
from pipeline.report.html.gather.models import Model, distinctive, models_of
from pipeline.report.html.gather.outcome import Outcome
from pipeline.report.html.gather.predictions import Difficulty, HardRecording, Tally
from pipeline.report.html.gather.steps import LeftOut, StepFacts
from pipeline.report.html.gather.streams import Stream, streams_of
from pipeline.report.html.gather.training import TrainingFacts, training_of
from pipeline.report.inference.kept import ModelCost, kept_cost
from pipeline.report.robustness.figures import Figure, figures_of
from pipeline.version import full_version

_DRAWN_RECORDINGS = 12  # whose streams are read


@dataclass(frozen=True)
class ExperimentFacts:
    """A stages file's part of a report, or a run's."""

    name: str
    path: str  # of the stages file, as it was given
    text: str  # of the stages file
    about: str  # what is said of it above the results
    settings: Sequence[str]
    steps: Sequence[StepFacts]
    to_do: int  # steps that a run would do; of a run, outputs that are not there
    edges: Sequence[tuple[str, str]]  # entries: needed, needing
    left_out: Sequence[LeftOut]
    notes: Sequence[str]
    recordings: int  # that the source lists
    subjects: int
    classes: Sequence[str]
    hard: Sequence[HardRecording]
    streams: Mapping[str, Sequence[Stream]]  # of the first of `hard`
    differences: Sequence[tuple[Difference, Model]]  # and the model that is better or worse
    shown: str = ""  # its name, as far as it tells it from others
    run: str = ""  # number or name of a run that is remembered; empty of a stages file as it stands
    differs: Mapping[str, Any] | None = None  # by dotted key, what it was asked for otherwise than others
    asked: Mapping[str, Any] = field(default_factory=dict)
    trial: Sequence[str] = ()  # settings that the stages file does not say
    unpaired: Sequence[str] = ()  # why distilled models have no difference


@dataclass(frozen=True)
class Robustness:
    """A model's figures by condition, and the entries among those that tested it whose streams vote by accuracy."""

    model: int  # its number
    figures: Sequence[Figure]
    weighted: Sequence[str] = ()


@dataclass(frozen=True)
class Report:
    """A report of one experiment or several."""

    experiments: Sequence[ExperimentFacts]
    models: Sequence[Model]
    tallies: Mapping[int, Tally]  # by the model's number, as the next three
    trainings: Mapping[int, TrainingFacts]
    subjects: Mapping[int, Breakdown]  # top-1 of models that have a whole seed
    folds: Mapping[int, Breakdown]
    class_order: Sequence[str]  # classes that are taken for each other side by side
    written: str  # when, UTC
    version: str  # of this program, with its commit
    robustness: Sequence[Robustness] = ()
    costs: Mapping[int, ModelCost] = field(default_factory=dict)  # by the model's number; measured here

    @property
    def lines(self) -> list[tuple[ExperimentFacts, Model]]:
        """Return each experiment's models, also those that an earlier one has."""
        return [(each, model) for each in self.experiments for model in self.models if each.name in model.experiments]


def gather(outcomes: Sequence[Outcome]) -> Report:
    """Read what there is of experiments; what has not run is left out.

    Raises
    ------
    CorruptObject
        An output holds something else than its manifest lists, or than such an output holds.
    """
    models = models_of(outcomes)
    tallies: dict[int, Tally] = {}
    trainings: dict[int, TrainingFacts] = {}
    subjects: dict[int, Breakdown] = {}
    folds: dict[int, Breakdown] = {}
    experiments = []
    robustness: list[Robustness] = []
    for outcome in outcomes:
        difficulty, own = Difficulty(), [model for model in models if outcome.name in model.experiments]
        for model in own:
            if model.evaluations:
                tallies[model.number] = difficulty.tally(outcome.store, model)
            if trained := training_of(outcome.store, model):
                trainings[model.number] = trained
        subjects |= _broken_down(outcome, own, "subject")
        folds |= _broken_down(outcome, own, "fold")
        robustness += _robustness(outcome, own)
        experiments.append(_experiment(outcome, own, difficulty, outcomes))
    classes = dict.fromkeys(label for each in experiments for label in each.classes)
    pooled: Counter[tuple[str, str]] = Counter()
    for each in tallies.values():
        pooled.update(each.confusion)
    order = confusion_order([*classes, *_unlisted(pooled, classes)], pooled)
    now = datetime.now(UTC).isoformat(timespec="minutes").replace("T", " ").partition("+")[0]
    costs = {model.number: cost for model in models if (cost := _cost_of(model))}
    version = full_version()
    return Report(experiments, models, tallies, trainings, subjects, folds, order, now, version, robustness, costs)


def _cost_of(model: Model) -> ModelCost | None:
    """Return what `results --cost` measured of a model: of its first training."""
    return next(filter(None, (kept_cost(each.key) for each in model.trainings)), None)


def _broken_down(outcome: Outcome, models: Sequence[Model], by: By) -> dict[int, Breakdown]:
    rows = {model.number: model.rows["top1"] for model in models if "top1" in model.rows}
    return dict(zip(rows, break_down(outcome.store, outcome.evaluations, rows.values(), by), strict=True))


def _robustness(outcome: Outcome, models: Sequence[Model]) -> list[Robustness]:
    by_identity = {model.identity: model for model in models}
    found: dict[int, list[Figure]] = {}
    for figure in figures_of(outcome.store, outcome.tests):
        if model := by_identity.get(identity_of(figure.row)):
            found.setdefault(model.number, []).append(figure)
    weighted = {each.entry for each in outcome.tests if each.weighted}
    return [
        Robustness(number, own, sorted(weighted.intersection(each.entry for each in own)))
        for number, own in found.items()
    ]


def _experiment(
    outcome: Outcome, models: Sequence[Model], difficulty: Difficulty, outcomes: Sequence[Outcome]
) -> ExperimentFacts:
    hard = difficulty.hard()
    by_row = {id(row): model for model in models for row in model.rows.values()}
    rows = [row for model in models for metric, row in model.rows.items() if not metric.startswith("top1 ")]
    differences = differences_of(outcome.store, outcome.evaluations, rows, outcome.baselines)
    keys = differing_keys([each.asked for each in outcomes])
    return ExperimentFacts(
        outcome.name,
        outcome.path,
        outcome.text,
        outcome.about,
        outcome.settings,
        outcome.steps,
        outcome.to_do,
        outcome.edges,
        outcome.left_out,
        outcome.notes,
        len(outcome.recordings),
        len({each.subject for each in outcome.recordings}),
        outcome.classes,
        hard,
        streams_of(outcome, [each.id for each in hard[:_DRAWN_RECORDINGS]]) if hard else {},
        [(each, by_row[id(each.row)]) for each in differences],
        distinctive([each.name for each in outcomes])[outcome.name],
        outcome.run,
        {key: flat(outcome.asked).get(key, UNSET) for key in keys},
        outcome.asked,
        outcome.trial,
        unpaired_lines(rows, outcome.baselines, rows),
    )


def _unlisted(counts: Mapping[tuple[str, str], int], classes: Mapping[str, None]) -> list[str]:
    return sorted({label for pair in counts for label in pair} - classes.keys())
