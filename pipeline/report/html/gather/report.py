"""All that a report shows, as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import takewhile

from pipeline.plan.planner import Plan
from pipeline.report.breakdown import Breakdown, By, break_down
from pipeline.report.graph.drawing import edges_of
from pipeline.report.html.gather.confusion import confusion_order
from pipeline.report.html.gather.models import Model, models_of
from pipeline.report.html.gather.predictions import Difficulty, HardRecording, Tally
from pipeline.report.html.gather.steps import LeftOut, StepFacts, left_out, steps_of
from pipeline.report.html.gather.streams import Stream, streams_of
from pipeline.report.html.gather.training import TrainingFacts, training_of
from pipeline.report.results import Difference, Evaluation, differences, evaluations_of
from pipeline.report.results_text import notes
from pipeline.run.selection import steps_to_materialise
from store import Store

_DRAWN_RECORDINGS = 12  # whose streams are read


@dataclass(frozen=True)
class ExperimentFacts:
    """One stages file's part of a report."""

    name: str
    path: str  # of the stages file, as it was given
    text: str  # of the stages file
    about: str  # what the comment at its head says
    settings: Sequence[str]
    steps: Sequence[StepFacts]
    to_do: int  # steps that a run would do
    edges: Sequence[tuple[str, str]]  # entries: needed, needing
    left_out: Sequence[LeftOut]
    notes: Sequence[str]
    recordings: int  # that the source lists
    subjects: int
    classes: Sequence[str]
    hard: Sequence[HardRecording]
    streams: Mapping[str, Sequence[Stream]]  # of the first of `hard`
    differences: Sequence[tuple[Difference, Model]]  # and the model that is better or worse


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
    version: str  # of this program


def gather(plans: Mapping[str, Plan], settings: Sequence[str] = ()) -> Report:
    """Read what there is of experiments, by their names; what has not run is left out.

    Raises
    ------
    CorruptObject
        An output holds something else than its manifest lists, or than such an output holds.
    """
    models = models_of(plans)
    tallies: dict[int, Tally] = {}
    trainings: dict[int, TrainingFacts] = {}
    subjects: dict[int, Breakdown] = {}
    folds: dict[int, Breakdown] = {}
    experiments = []
    for name, plan in plans.items():
        difficulty, own = Difficulty(), [model for model in models if model.experiment == name]
        for model in own:
            if model.evaluations:
                tallies[model.number] = difficulty.tally(plan, model)
            if trained := training_of(plan, model):
                trainings[model.number] = trained
        evaluations = evaluations_of(plan)
        subjects |= _broken_down(plan.store, evaluations, own, "subject")
        folds |= _broken_down(plan.store, evaluations, own, "fold")
        experiments.append(_experiment(name, plan, own, difficulty, settings))
    classes = dict.fromkeys(label for each in experiments for label in each.classes)
    pooled: Counter[tuple[str, str]] = Counter()
    for each in tallies.values():
        pooled.update(each.confusion)
    order = confusion_order([*classes, *_unlisted(pooled, classes)], pooled)
    now = datetime.now(UTC).isoformat(timespec="minutes").replace("T", " ").partition("+")[0]
    return Report(experiments, models, tallies, trainings, subjects, folds, order, now, version("harvest"))


def _broken_down(
    store: Store, evaluations: Sequence[Evaluation], models: Sequence[Model], by: By
) -> dict[int, Breakdown]:
    rows = {model.number: model.rows["top1"] for model in models if "top1" in model.rows}
    return dict(zip(rows, break_down(store, evaluations, rows.values(), by), strict=True))


def _experiment(
    name: str, plan: Plan, models: Sequence[Model], difficulty: Difficulty, settings: Sequence[str]
) -> ExperimentFacts:
    hard = difficulty.hard()
    recordings = plan.table.listing.recordings
    by_row = {id(row): model for model in models for row in model.rows.values()}
    rows = [row for model in models for metric, row in model.rows.items() if not metric.startswith("top1 ")]
    return ExperimentFacts(
        name,
        str(plan.path),
        plan.snapshot.text,
        head_comment(plan.snapshot.text),
        settings,
        steps_of(plan),
        len(steps_to_materialise(plan, plan.steps)),
        edges_of(plan),
        left_out(plan),
        notes(plan),
        len(recordings),
        len({each.subject for each in recordings}),
        list(dict.fromkeys(action for point in plan.points for action in point.source.classes)),
        hard,
        streams_of(plan, [each.id for each in hard[:_DRAWN_RECORDINGS]]) if hard else {},
        [(each, by_row[id(each.row)]) for each in differences(plan, rows)],
    )


def head_comment(text: str) -> str:
    """Return the prose of the comment that a stages file begins with, without what is indented, which are commands."""
    lines = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return " ".join(line[1:].strip() for line in lines if not line.startswith("#  "))


def _unlisted(counts: Mapping[tuple[str, str], int], classes: Mapping[str, None]) -> list[str]:
    return sorted({label for pair in counts for label in pair} - classes.keys())
