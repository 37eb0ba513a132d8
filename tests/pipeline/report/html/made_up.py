"""A report of made-up outcomes, as large or as hostile as a test wants it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from pipeline.report.breakdown import Breakdown, By, Part
from pipeline.report.comparison.differences import Difference
from pipeline.report.html.gather.models import Model
from pipeline.report.html.gather.predictions import HardRecording, Tally, TestedRecording
from pipeline.report.html.gather.reliability import Reliability
from pipeline.report.html.gather.report import ExperimentFacts, Report, Robustness
from pipeline.report.html.gather.steps import LeftOut, StepFacts
from pipeline.report.html.gather.streams import Stream
from pipeline.report.html.gather.training import Curve, TrainingFacts
from pipeline.report.html.palette import SERIES
from pipeline.report.results import Row
from pipeline.report.robustness.figures import Figure
from trainers.robustness.conditions import HARMS, WHOLE, Condition

HOSTILE = "<script>alert('x')</script> & \"quoted\" ]]> \x00\x1b[31m \udc80 ‮"


def made_up(
    models: int = 4, recordings: int = 96, classes: int = 6, seeds: int = 3, epochs: int = 40, name: str = "model"
) -> Report:
    """Return a report of so many models, each tested on so many recordings."""
    draw = random.Random(0)
    labels = [f"{name}-class-{number}" for number in range(classes)]
    subjects = [f"{name}-subject-{number}" for number in range(max(2, recordings // 100))]
    listed = [_model(number, name, seeds, recordings, draw) for number in range(models)]
    drawn = [_tally(recordings * seeds, labels, draw) for _ in listed[:4]]  # of many models, each for several
    tallies = {model.number: drawn[model.number % len(drawn)] for model in listed}
    fall = [1 / (1 + epoch) for epoch in range(epochs)]
    curve = Curve(fall, [0.9 * value for value in fall], [1.1 * value for value in fall])
    facts = TrainingFacts(seeds, epochs, curve, curve, 214_720, 890_000, 1.29, [f"{name} cpu"])
    hard = [
        HardRecording(
            f"{name}-{number}", TestedRecording(subjects[0], labels[0]), models, models, 9, 10, {labels[-1]: 9}
        )
        for number in range(recordings)
    ]
    steps = [
        StepFacts(
            f"{model.name}[seed={seed}]", model.name, stage, "0" * 64, "cached", 10.0, 10**6, f"{name} cpu",
            "2026-01-01T00:00:00Z", {"python": "3.11", "torch": "2.6", "platform": name},
        )
        for model in listed
        for seed in range(seeds)
        for stage in ("train", "evaluate")
    ]  # fmt: skip
    series = Stream("inertial", lines=[[draw.random() for _ in range(6)] for _ in range(90)])
    poses = Stream("skeleton", poses=[[(draw.random(), draw.random()) for _ in range(20)]] * 6, bones=[(0, 1), (1, 2)])
    experiment = ExperimentFacts(
        name,
        name,
        f"# {name}",
        name,
        [],
        steps,
        0,
        [(listed[0].name, model.name) for model in listed[1:]],
        [LeftOut(f"{name}-{number}", name, f"{name} is cut off", "index") for number in range(recordings)],
        [f"note: {name}"],
        recordings,
        len(subjects),
        labels,
        hard,
        {each.id: [series, poses] for each in hard[:12]},
        [(Difference(model.rows["top1"], name, -0.5, (-1.5, 0.5), seeds), model) for model in listed],
    )
    trainings = {model.number: facts for model in listed}
    by_subject = {model.number: _breakdown(model, "subject", subjects, draw) for model in listed}
    by_fold = {model.number: _breakdown(model, "fold", ["subjects=odd", "subjects=even"], draw) for model in listed}
    tests = [Robustness(model.number, _by_condition(model, name, draw), [name]) for model in listed]
    written = "2026-01-01 00:00"
    return Report([experiment], listed, tallies, trainings, by_subject, by_fold, labels, written, "0.1.0", tests)


def _model(number: int, name: str, seeds: int, recordings: int, draw: random.Random) -> Model:
    modalities = ("skeleton", "inertial") if number % 2 else ("inertial",)
    own = f"{name}-{number}"

    def row(metric: str) -> Row:
        values = tuple(draw.uniform(50, 100) for _ in range(seeds))
        return Row(own, name, name, modalities, metric, values, tuple(range(seeds)), 1, {}, recordings)

    metrics = ["top1", "macro_f1", *(f"top1 {each}" for each in modalities)]
    rows = {metric: row(metric) for metric in metrics}
    colour = number if number < SERIES else None
    return Model(number, (name,), own, name, name, modalities, "", own, rows, planned=seeds, colour=colour)


def _by_condition(model: Model, entry: str, draw: random.Random) -> list[Figure]:
    harmed = [Condition((), name, harm, s) for harm in HARMS for name in model.modalities for s in (0.1, 0.5)]
    absent = [Condition((name,)) for name in model.modalities if len(model.modalities) > 1]
    return [
        Figure(entry, condition, replace(model.rows["top1"], values=tuple(draw.uniform(30, 99) for _ in range(3))))
        for condition in (WHOLE, *absent, *harmed)
    ]


def _breakdown(model: Model, by: By, names: list[str], draw: random.Random) -> Breakdown:
    row = model.rows["top1"]
    return Breakdown(row, by, tuple(Part(name, tuple(draw.uniform(50, 100) for _ in row.seeds), 9) for name in names))


def _tally(predictions: int, labels: list[str], draw: random.Random) -> Tally:
    outcomes = [(label := draw.choice(labels), label if draw.random() < 0.9 else draw.choice(labels))
                for _ in range(predictions)]  # fmt: skip
    reliability = Reliability.of((draw.uniform(0.1, 1), label == other) for label, other in outcomes)
    return Tally(Counter(outcomes), reliability)
