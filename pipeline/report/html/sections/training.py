"""Curves of training, and of validation where recordings are set apart."""

from __future__ import annotations

from pipeline.report.html.gather.models import drawn
from pipeline.report.html.gather.report import Report
from pipeline.report.html.gather.training import TrainingFacts
from pipeline.report.html.parts import Cell, Column, Picture, Row, Section, Table, count, percent, text
from pipeline.report.html.sections.legend import drawn_notes
from pipeline.report.html.svg.canvas import Key
from pipeline.report.html.svg.curves import Line, draw_curves

_VALIDATION = ("Last validation loss", "Last validation accuracy %", "Best epoch on validation")


def training(report: Report) -> Section | None:
    """Return loss and accuracy by epoch."""
    models = [model for model in report.models if model.number in report.trainings]
    if not models:
        return None
    facts = report.trainings
    validated = any(own.validation_loss for own in facts.values())
    rows = []
    for model in models:
        own = facts[model.number]
        ends = [Cell(f"{curve[at]:.4g}", curve[at]) for curve, at in ((own.loss.mean, 0), (own.loss.mean, -1))]
        cells = [text(model.title), count(own.runs), count(own.epochs), *ends]
        cells += [percent(own.accuracy.mean[0]), percent(own.accuracy.mean[-1])]
        rows.append(Row([*cells, *(_validation(own) if validated else [])], model.number))
    columns = [Column("Model"), Column("Trainings", True), Column("Epochs", True), Column("First loss", True)]
    columns += [Column("Last loss", True), Column("First accuracy %", True), Column("Last accuracy %", True)]
    if validated:
        columns += [Column(title, True) for title in _VALIDATION]
    table = Table("training", "Training, the first and the last epoch", columns, rows)
    keys = {m.number: Key(m.title, m.colour, m.number) for m in drawn(models) if m.colour is not None}
    pictures = []
    for name, unit, limits in (("loss", "", None), ("accuracy", " %", (0.0, 100.0))):
        lines = []
        for number, key in keys.items():
            curve, other = (getattr(facts[number], each) for each in (name, f"validation_{name}"))
            lines.append(Line(key, curve.mean, curve.low, curve.high))
            if other:
                lines.append(Line(key, other.mean, other.low, other.high, validation=True, best=facts[number].best))
        title = f"{name.capitalize()} on the training side {'and on validation ' if validated else ''}by epoch"
        if lines:
            pictures.append(
                Picture(
                    f"training-{name}",
                    title,
                    draw_curves(title, lines, unit, limits),
                    table if name == "loss" else None,
                )
            )
    lead = (
        "Means over folds and seeds, with their range, up to the last epoch that all of them reached; epochs are "
        "medians. Losses of unlike tasks, such as distillation and plain training, do not compare."
    )
    if validated:
        lead += (
            " Validation is of recordings set apart from the training side, on which nothing is fitted; the best epoch "
            "is that of its least loss, and the model where `patience` is set: else that is the last. Rings are best "
            "epochs that the curve reaches."
        )
    notes = drawn_notes(models)
    return Section("training", "Training", lead, pictures, notes)


def _validation(own: TrainingFacts) -> list[Cell]:
    """Return the cells of `_VALIDATION`."""
    if own.validation_loss is None or own.validation_accuracy is None:
        return [text("–")] * len(_VALIDATION)
    last = own.validation_loss.mean[-1]
    ends = [Cell(f"{last:.4g}", last), percent(own.validation_accuracy.mean[-1])]
    best = ", ".join(map(str, sorted({*own.best})))
    return [*ends, Cell(best, exact=best)]
