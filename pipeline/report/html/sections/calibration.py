"""Whether models are right as often as they say."""

from __future__ import annotations

from pipeline.report.html.gather.reliability import BINS, Reliability
from pipeline.report.html.gather.report import Report
from pipeline.report.html.parts import Column, Picture, Row, Section, Table, count, percent, text
from pipeline.report.html.sections.legend import counted_models, drawn_notes
from pipeline.report.html.svg.canvas import Key
from pipeline.report.html.svg.reliability import FEW, Bar, draw_reliability


def calibration(report: Report) -> Section | None:
    """Return reliability diagrams and expected calibration errors."""
    models = counted_models(report)
    if not models:
        return None
    rows, panels = [], []
    for model in models:
        counted = report.tallies[model.number].reliability
        error = 100 * (counted.confidence - counted.accuracy)
        cells = [text(model.title), percent(100 * counted.ece), percent(100 * counted.confidence)]
        cells += [percent(100 * counted.accuracy), percent(error), count(counted.count)]
        rows.append(Row(cells, model.number))
        if model.colour is not None:
            key = Key(model.title, model.colour, model.number)
            panels.append((key, 100 * counted.ece, _bars(counted)))
    columns = [Column("Model"), Column("ECE %", True, "expected calibration error"), Column("Confidence %", True)]
    columns += [Column("Accuracy %", True, "all predictions together"), Column("Overconfident by", True)]
    table = Table("calibration", "Calibration of all models", [*columns, Column("Predictions", True)], rows)
    title = "Share of right answers by confidence, in percent"
    lead = (
        "Of the answers that a model gives with 80 % confidence, 80 % should be right: bars below the line say too "
        f"much, bars above too little. ECE is the mean gap over {BINS} bins; pale bars hold few predictions."
    )
    notes = drawn_notes(models)
    picture = Picture("calibration", title, draw_reliability(title, panels), table, wide=len(panels) > FEW)
    return Section("calibration", "Calibration", lead, [picture], notes, half=len(panels) <= FEW)


def _bars(counted: Reliability) -> list[Bar]:
    size = len(counted.bins)
    return [
        Bar(at / size, (at + 1) / size, each.count, each.right / each.count, each.confidence / each.count)
        for at, each in enumerate(counted.bins)
        if each.count
    ]
