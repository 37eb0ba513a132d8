"""What models cost: size and time."""

from __future__ import annotations

from pipeline.formatting import duration, size
from pipeline.report.html.gather.report import Report
from pipeline.report.html.parts import Cell, Column, Picture, Row, Section, Table, count, percent, text
from pipeline.report.html.svg.scatter import Point, draw_scatter


def cost(report: Report) -> Section | None:
    """Return parameters, bytes and seconds an epoch, and top-1 by parameters."""
    models = [model for model in report.models if model.number in report.trainings]
    if not models:
        return None
    rows, points = [], []
    for model in models:
        own = report.trainings[model.number]
        bytes_ = Cell(f"{own.bytes / 1e6:.2f}", own.bytes / 1e6) if own.bytes else text("–")
        seconds = own.seconds_an_epoch
        epoch = Cell(f"{seconds:.2f}" if seconds >= 0.1 else f"{seconds:.3f}", seconds) if seconds else text("–")
        cells = [text(model.title), count(own.parameters), bytes_, epoch, count(own.epochs), percent(model.top1)]
        rows.append(Row([*cells, text(", ".join(own.devices))], model.number))
        if own.parameters and model.top1 is not None:
            about = f"{model.title}: {own.parameters:,} parameters"
            about += f", {size(own.bytes)}" if own.bytes else ""
            about += f", {duration(seconds)} an epoch" if seconds else ""
            about += f", top-1 {model.top1:.2f} %"
            points.append(Point(model.title, own.parameters, model.top1, about, model.colour, model.number))
    columns = [Column("Model"), Column("Parameters", True), Column("MB", True, "of the model's file, 10^6 bytes")]
    columns += [Column("Seconds an epoch", True), Column("Epochs", True), Column("Top-1 %", True), Column("Device")]
    table = Table("cost", "Size and time", columns, rows, folded=bool(points) and len(rows) > 12)
    title = "Top-1 by number of parameters"
    pictures = [Picture("cost", title, draw_scatter(title, points, "parameters", "top-1"))] if points else []
    lead = (
        "Medians over folds and seeds. Seconds are a step's whole time, its start and reading included, by its epochs; "
        "other work may have run beside."
    )
    return Section("cost", "Cost", lead, [table, *pictures])
