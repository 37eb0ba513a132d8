"""What models cost: size and time of training, and of running where that was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.formatting import duration, size
from pipeline.report.html.gather.models import Model
from pipeline.report.html.gather.report import Report
from pipeline.report.html.parts import Cell, Column, Picture, Row, Section, Table, count, percent, text
from pipeline.report.html.svg.scatter import Point, draw_scatter
from pipeline.report.inference.kept import FileCost
from pipeline.report.inference.sheet import milliseconds

_LEAD = (
    "Medians over folds and seeds. Seconds are a step's whole time, its start and reading included, by its epochs; "
    "other work may have run beside."
)
_RUNNING = (
    Column("Model"),
    Column("Precision"),
    Column("Multiply-adds", True, "of the network, for one recording"),
    Column("kB", True, "of the exported file, 10^3 bytes"),
    Column("p50 ms", True, "one recording at a time, on one thread"),
    Column("p99 ms", True),
    Column("Peak MB", True, "by which a process's memory rises, 10^6 bytes"),
    Column("Top-1 lost", True, "points, against fp32"),
)


def cost(report: Report) -> Section | None:
    """Return parameters, bytes and seconds an epoch, what running costs where it was measured, and top-1 by these."""
    models = [model for model in report.models if model.number in report.trainings]
    if not models:
        return None
    rows = [_training_row(report, model) for model in models]
    sized = [model for model in models if report.trainings[model.number].parameters]
    measured = [model for model in models if model.number in report.costs]
    pictures = [
        *_picture("cost", "Top-1 by number of parameters", "parameters", sized, lambda m: _parameters(report, m)),
        *_picture("latency", "Top-1 by time for one recording", "ms", measured, lambda m: _latency(report, m)),
    ]
    columns = [Column("Model"), Column("Parameters", True), Column("MB", True, "of the model's file, 10^6 bytes")]
    columns += [Column("Seconds an epoch", True), Column("Epochs", True), Column("Top-1 %", True), Column("Device")]
    tables = [
        Table("cost", "Size and time", columns, rows, folded=bool(pictures) and len(rows) > 12, headed=bool(measured))
    ]
    if measured:
        lines = [row for model in measured for row in _running_rows(report, model)]
        tables.append(Table("running", "Cost of running", _RUNNING, lines, folded=len(lines) > 24, headed=True))
    return Section("cost", "Cost", _LEAD, [*tables, *pictures], _notes(report, measured))


def _training_row(report: Report, model: Model) -> Row:
    own = report.trainings[model.number]
    bytes_ = Cell(f"{own.bytes / 1e6:.2f}", own.bytes / 1e6) if own.bytes else text("–")
    seconds = own.seconds_an_epoch
    epoch = Cell(f"{seconds:.2f}" if seconds >= 0.1 else f"{seconds:.3f}", seconds) if seconds else text("–")
    cells = [text(model.title), count(own.parameters), bytes_, epoch, count(own.epochs), percent(model.top1)]
    return Row([*cells, text(", ".join(own.devices))], model.number)


def _running_rows(report: Report, model: Model) -> list[Row]:
    own = report.costs[model.number]

    def row(precision: str, file: FileCost, lost: Cell) -> Row:
        kilobytes, megabytes = file.bytes / 1e3, file.peak_bytes / 1e6
        times = [Cell(milliseconds(each), each) for each in (file.p50_ms, file.p99_ms)]
        cells = [count(own.multiply_adds), Cell(f"{kilobytes:,.0f}", kilobytes), *times]
        cells += [Cell(f"{megabytes:.1f}", megabytes), lost]
        return Row([text(model.title), text(precision), *cells], model.number)

    return [row("fp32", own.fp32, text("–")), row("int8", own.int8, percent(own.int8_points))]


def _picture(
    name: str, title: str, below: str, models: Sequence[Model], place: Callable[[Model], tuple[float, str]]
) -> list[Picture]:
    """Draw top-1 by what `place` returns of a model, with what is said of it; nothing where no model has both."""
    points = []
    for model in models:
        if model.top1 is not None:
            x, about = place(model)
            about = f"{model.title}: {about}, top-1 {model.top1:.2f} %"
            points.append(Point(model.title, x, model.top1, about, model.colour, model.number))
    return [Picture(name, title, draw_scatter(title, points, below, "top-1"))] if points else []


def _parameters(report: Report, model: Model) -> tuple[float, str]:
    own = report.trainings[model.number]
    about = f"{own.parameters:,} parameters"
    about += f", {size(own.bytes)}" if own.bytes else ""
    about += f", {duration(own.seconds_an_epoch)} an epoch" if own.seconds_an_epoch else ""
    return own.parameters or 1, about


def _latency(report: Report, model: Model) -> tuple[float, str]:
    own = report.costs[model.number].fp32
    return own.p50_ms, f"{milliseconds(own.p50_ms)} ms for one recording, fp32"


def _notes(report: Report, measured: Sequence[Model]) -> list[str]:
    if not measured:
        asked = "`pipeline results --cost` measures what models cost to run, and this page shows it then"
        return [f"{asked}: multiply-adds, bytes, latency and memory of the exported files, in fp32 and int8."]
    costs = [report.costs[model.number] for model in measured]
    machines = "; ".join(dict.fromkeys(str(each.machine) for each in costs))
    notes = [f"Running was measured with one recording at a time on {machines}, by `pipeline results --cost`."]
    if disturbed := [model.title for model in measured if report.costs[model.number].disturbed]:
        notes.append(f"Other work ran beside while {', '.join(disturbed)} was measured: times are too long.")
    return notes
