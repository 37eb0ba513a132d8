"""Training curves."""

from __future__ import annotations

from pipeline.report.html.gather.models import drawn
from pipeline.report.html.gather.report import Report
from pipeline.report.html.parts import Cell, Column, Picture, Row, Section, Table, count, percent, text
from pipeline.report.html.sections.legend import drawn_notes
from pipeline.report.html.svg.canvas import Key
from pipeline.report.html.svg.curves import Line, draw_curves


def training(report: Report) -> Section | None:
    """Return loss and accuracy of the training side by epoch."""
    models = [model for model in report.models if model.number in report.trainings]
    if not models:
        return None
    facts = report.trainings
    rows = []
    for model in models:
        own = facts[model.number]
        ends = [Cell(f"{curve[at]:.4g}", curve[at]) for curve, at in ((own.loss.mean, 0), (own.loss.mean, -1))]
        cells = [text(model.title), count(own.runs), count(own.epochs), *ends]
        rows.append(Row([*cells, percent(own.accuracy.mean[0]), percent(own.accuracy.mean[-1])], model.number))
    columns = [Column("Model"), Column("Trainings", True), Column("Epochs", True), Column("First loss", True)]
    columns += [Column("Last loss", True), Column("First accuracy %", True), Column("Last accuracy %", True)]
    table = Table("training", "Training, the first and the last epoch", columns, rows)
    keys = {m.number: Key(m.title, m.colour, m.number) for m in drawn(models) if m.colour is not None}
    pictures = []
    for name, unit, limits in (("loss", "", None), ("accuracy", " %", (0.0, 100.0))):
        curves = {number: getattr(facts[number], name) for number in keys}
        lines = [Line(keys[n], curve.mean, curve.low, curve.high) for n, curve in curves.items()]
        title = f"{name.capitalize()} on the training side by epoch"
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
        "Means over folds and seeds, with their range. Losses of unlike tasks, such as distillation and plain "
        "training, do not compare."
    )
    notes = drawn_notes(models)
    return Section("training", "Training", lead, pictures, notes)
