"""What a report reads: a stages file as it stands, or a run that is remembered, in the same terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from pipeline.plan.planner import Plan
from pipeline.plan.runs.baselines import Baseline, baselines_of
from pipeline.plan.runs.record import asked_by
from pipeline.report.graph.drawing import edges_of
from pipeline.report.html.gather.identity import Identity
from pipeline.report.html.gather.steps import LeftOut, StepFacts, left_out, steps_of
from pipeline.report.html.gather.trainings import Training, trainings_of
from pipeline.report.results import Evaluation, evaluations_of
from pipeline.report.results_text import notes
from pipeline.report.robustness.figures import Tests, tests_of
from pipeline.run.selection import steps_to_materialise
from pipeline.sources.base import Recording, Source
from pipeline.stagesfile.settings import are_locations, parse_setting
from store import Store


@dataclass(frozen=True)
class Encoding:
    """An encode output that is in the store: its modality, and the stream that the modality begins with."""

    key: str
    modality: str
    stream: str
    source: Source | None = None  # which may know the names of joints


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out of a stages file.

    Attributes
    ----------
    name
        What it is called, alone among those of a report.
    path, text
        Of the stages file, as it was given, and its text; of a run the values that it was asked for.
    about
        What is said of it above the results; of a run which it is, and how it stands.
    run
        Number or name of a run that is remembered; empty of a stages file as it stands.
    settings
        What was asked for beside the stages file, as ``--set`` takes it; of a run where it is.
    trial
        Settings that make it another experiment than the stages file's, as ``--set`` takes them.
    asked
        The stages file's values with settings.
    to_do
        Steps that a run would do; of a run that is remembered, outputs that are not in the store.
    trainings
        Each model's trainings that are in the store; none of a model that is still to be trained.
    recordings
        Those of the index, in row order; none where it is gone.
    tests
        What tests models with sensors absent or harmed; none of a run that is remembered.
    """

    name: str
    path: str
    text: str
    about: str = ""
    run: str = ""
    settings: Sequence[str] = ()
    trial: Sequence[str] = ()
    asked: Mapping[str, Any]
    store: Store
    steps: Sequence[StepFacts]
    to_do: int = 0
    edges: Sequence[tuple[str, str]]  # entries: needed, needing
    evaluations: Sequence[Evaluation]
    trainings: Mapping[Identity, Sequence[Training]]
    baselines: Mapping[str, Sequence[Baseline]]
    encodings: Sequence[Encoding]
    recordings: Sequence[Recording]
    classes: Sequence[str]
    tests: Sequence[Tests] = ()
    left_out: Sequence[LeftOut] = field(default_factory=tuple)
    notes: Sequence[str] = ()


def outcome_of(name: str, plan: Plan, settings: Sequence[str] = ()) -> Outcome:
    """Return what a stages file as it stands has led to so far."""
    return Outcome(
        name=name,
        path=str(plan.path),
        text=plan.snapshot.text,
        about=head_comment(plan.snapshot.text),
        settings=settings,
        trial=[setting for setting in settings if not are_locations([parse_setting(setting)])],
        asked=asked_by(plan),
        store=plan.store,
        steps=steps_of(plan),
        to_do=len(steps_to_materialise(plan, plan.steps)),
        edges=edges_of(plan),
        evaluations=evaluations_of(plan),
        trainings=trainings_of(plan),
        baselines=baselines_of(plan),
        encodings=[
            Encoding(step.key, step.work["modality"], step.recipe["modality"]["streams"][0], step.point.source)
            for step in plan.steps.values()
            if step.stage == "encode" and plan.states[step.id] == "cached"
        ],
        recordings=plan.table.listing.recordings,
        classes=list(dict.fromkeys(action for point in plan.points for action in point.source.classes)),
        tests=tests_of(plan),
        left_out=left_out(plan),
        notes=notes(plan),
    )


def head_comment(text: str) -> str:
    """Return the prose of the comment that a stages file begins with, without what is indented, which are commands."""
    lines = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return " ".join(line[1:].strip() for line in lines if not line.startswith("#  "))
