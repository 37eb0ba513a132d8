"""Confusion matrices, one shown at a time."""

from __future__ import annotations

from pipeline.report.html.gather.confusion import totals
from pipeline.report.html.gather.models import Model
from pipeline.report.html.gather.predictions import Tally
from pipeline.report.html.gather.report import Report
from pipeline.report.html.parts import Choice, Column, Picture, Row, Section, Table, count, percent, text
from pipeline.report.html.sections.legend import counted_models
from pipeline.report.html.svg.matrix import draw_matrix

_WORST = 10
_MOST_CELLS = 10_000  # of all matrices together: about 2.2 MB


def confusion(report: Report) -> Section | None:
    """Return a matrix for as many models as there is room for, the most accurate first where there is too little."""
    models = counted_models(report)
    if not models:
        return None
    room = _MOST_CELLS
    shown: list[Model] = []
    for model in sorted(models, key=lambda m: (m.colour is None, m.number)):
        cells = sum(count > 0 for count in report.tallies[model.number].confusion.values())
        if cells > room and shown:
            break
        room -= cells
        shown.append(model)
    options = [
        (model.title, _picture(report, model), _worst(report, model)) for model in sorted(shown, key=lambda m: m.number)
    ]
    notes = []
    if len(shown) < len(models):
        notes.append(f"{len(shown)} of {len(models)} models are here; `pipeline results --per-recording` has all.")
    lead = (
        "Rows are the true classes, columns what was predicted, all folds and seeds together; shades are shares of a "
        "row. "
        "Classes that are taken for each other stand side by side, in one order for all models."
    )
    return Section("confusion", "Confusion", lead, [Choice("Model", options)], notes)


def _picture(report: Report, model: Model) -> Picture:
    tally = report.tallies[model.number]
    title = f"Confusion matrix of {model.title}"
    name = f"confusion-{model.title}"
    svg = draw_matrix(title, report.class_order, tally.confusion)
    return Picture(name, title, svg, _table(name, model, tally), wide=True, model=model.number)


def _worst(report: Report, model: Model) -> Table:
    table = _table("worst", model, report.tallies[model.number])
    rows = [Row(row.cells[:3]) for row in table.rows if row.cells[0].text != row.cells[1].text]
    return Table("worst", f"Most frequent confusions of {model.title}", table.columns[:3], rows[:_WORST], folded=False)


def _table(name: str, model: Model, tally: Tally) -> Table:
    total = totals(tally.confusion)
    wrong = sorted(
        ((pair, n) for pair, n in tally.confusion.items() if n), key=lambda each: (each[0][0] == each[0][1], -each[1])
    )
    rows = [
        Row([text(label), text(predicted), count(n), percent(100 * n / total[label], 1)])
        for (label, predicted), n in wrong
    ]
    columns = [Column("True"), Column("Predicted"), Column("Times", True), Column("% of class", True)]
    return Table(name, f"Counts of {model.title}, the most frequent confusions first", columns, rows, shown_rows=60)
