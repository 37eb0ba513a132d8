"""The figures: each model's mean over seeds, and what distillation gains."""

from __future__ import annotations

from pipeline.formatting import counted
from pipeline.report.html.gather.models import Model
from pipeline.report.html.gather.report import Report
from pipeline.report.html.markup import element, joined
from pipeline.report.html.parts import Cell, Column, Picture, Row, Section, Table, count, percent, text
from pipeline.report.html.sections.front import alike_notes, front_cells, front_names, what_differs
from pipeline.report.html.svg.canvas import mark
from pipeline.report.html.svg.intervals import Interval, draw_intervals
from pipeline.report.results import METRICS
from pipeline.report.results import Row as Result

TITLES = {"top1": "Top-1 %", "macro_f1": "Macro F1 %"}
MOST_DRAWN = 40  # rows of a picture


def results(report: Report) -> Section | None:
    """Return the table of all models, pictures of their top-1, and of what distillation gains."""
    if not report.models:
        return None
    known = [model for model in report.models if "top1" in model.rows]
    best = sorted(known, key=lambda model: -(model.top1 or 0))[:MOST_DRAWN]
    differing = what_differs(report)
    parts: list[Table | Picture] = [*([differing] if differing else []), _table(report)]
    if known:
        svg = draw_intervals(
            "Top-1 by model, with 95 % intervals", [_interval(model) for model in known if model in best], " %",
            limits=(0.0, 100.0),
        )  # fmt: skip
        parts.append(Picture("top1", "Top-1 by model: mean, 95 % interval, and the value of each seed", svg))
    gains, gain_notes = _gains(report)
    parts += gains
    notes = [*dict.fromkeys(note.removeprefix("note: ") for each in report.experiments for note in each.notes)]
    notes = gain_notes + notes + alike_notes(report)
    if len(known) > MOST_DRAWN:
        notes.append(f"The picture of top-1 has the {MOST_DRAWN} highest of {len(known)} models.")
    missing = [
        f"{model.title} ({model.planned - model.missing} of {model.planned})"
        for model in report.models
        if model.missing
    ]
    if missing:
        more = f", and {len(missing) - 8} more" if len(missing) > 8 else ""
        lacking = ", ".join(missing[:8])
        whole = "All figures are of seeds of which all folds are."
        notes.insert(0, f"Not all evaluations are there: {lacking}{more}. {whole}")
    lead = "Test accuracy in percent: mean over seeds, each the mean over its folds."
    if any(row.std is not None for model in known for row in model.rows.values()):
        lead += " ± is the deviation over seeds (ddof 1); intervals of the mean are Student's t."
    elif known:
        lead += " There is one seed, so nothing is said of the deviation."
    return Section("results", "Results", lead, parts, notes)


def _table(report: Report) -> Table:
    places = {
        model.number: {"Modalities": model.sees, "Protocol": model.protocol, "Variant": model.variant}
        for model in report.models
    }
    names = front_names(report)
    shown = [
        title
        for title in ("Modalities", "Protocol", "Variant")
        if len({place[title] for place in places.values()}) > 1 or (title == "Modalities" and not names)
    ]
    columns = [*map(Column, names), Column("Model")]
    for metric in METRICS:
        title = TITLES[metric]
        columns += [
            Column(title, True),
            Column("±", True, f"deviation of {title} over seeds", f"{title} deviation"),
            Column("95 % interval", True, f"of {title}", f"{title} 95 % interval"),
        ]
    columns += [Column("Seeds", True), Column("Tested", True, "recordings, of all folds together")]
    columns += map(Column, shown)
    rows = []
    for experiment, model in report.lines:
        cells = [*map(text, front_cells(report, experiment, model)), _named(model)]
        for metric in METRICS:
            cells += _figure(model.rows.get(metric))
        first = model.rows.get("top1")
        cells += [count(len(first.values) if first else None), count(first.recordings if first else None)]
        rows.append(Row([*cells, *(text(places[model.number][title]) for title in shown)], model.number))
    return Table("results", "All models", columns, rows, shown_rows=250, shown_columns=20, folded=False)


def _named(model: Model) -> Cell:
    """Return a model's name, with its mark in pictures before it."""
    if model.colour is None:
        return text(model.name)
    drawn = element("svg", mark(model.colour, 6, 6), viewBox="0 0 12 12", class_="key", aria_hidden="true")
    return Cell(model.name, markup=joined(drawn, model.name))


def _figure(row: Result | None) -> list[Cell]:
    if row is None:
        return [text("–"), text("–"), text("–")]
    interval = text("–")
    if row.interval:
        low, high = row.interval
        interval = Cell(f"{low:.2f} to {high:.2f}", exact=f"{low} to {high}")
    return [percent(row.mean), percent(row.std), interval]


def _interval(model: Model) -> Interval:
    row = model.rows["top1"]
    about = f"{model.title}: {row.mean:.2f} % over {counted(len(row.values), 'seed')}"
    if row.interval:
        about += f", 95 % interval {row.interval[0]:.2f} to {row.interval[1]:.2f}"
    return Interval(model.title, row.mean, row.interval, row.values, about, model.colour, model.number)


def _gains(report: Report) -> tuple[list[Picture], list[str]]:
    """Return what models have more than what they are held against, and what is to be known of it."""
    all_ = [each for experiment in report.experiments for each in experiment.differences]
    found = list({(model.number, each.baseline, each.row.metric): (each, model) for each, model in all_}.values())
    several = len(report.experiments) > 1
    unpaired = [f"{each.shown}: {line}" if several else line for each in report.experiments for line in each.unpaired]
    if not found:
        return [], unpaired
    rows, drawn = [], []
    for difference, model in found:
        low, high = difference.interval or (None, None)
        metric = TITLES[difference.row.metric][:-2]
        covers = "–" if low is None or high is None else "yes" if low <= 0 <= high else "no"
        differing = f"{difference.differing:.4g} of {difference.recordings}"
        cells = [text(model.title), text(difference.baseline), text(metric), percent(difference.mean)]
        cells += [percent(low), percent(high), text(covers), count(difference.subjects), count(difference.n)]
        rows.append(Row([*cells, Cell(differing, difference.differing)], model.number))
        if difference.interval:
            label = f"{model.title} − {difference.baseline}"
            about = f"{label}: {difference.mean:+.2f} points ({low:+.2f} to {high:+.2f})"
            drawn.append(Interval(label, difference.mean, difference.interval, (), about, model.colour, model.number))
    columns = [Column("Model"), Column("Minus"), Column("Of"), Column("Points", True)]
    columns += [Column("From", True), Column("To", True), Column("Interval covers 0")]
    columns += [Column("Subjects", True), Column("Seeds", True), Column("Answers that differ", True, "mean over seeds")]
    table = Table("differences", "Paired differences", columns, rows)
    title = "Differences in points of top-1, with 95 % intervals over subjects and seeds"
    svg = draw_intervals(title, drawn[:MOST_DRAWN], "", zero=True)
    notes = [
        "Differences are of models and what they are held against, paired by seed and subject; intervals of top-1 are "
        "over both, and wide enough for all at once. One that covers 0 shows none."
    ]
    if len(drawn) > MOST_DRAWN:
        notes.append(f"The picture of differences has the first {MOST_DRAWN} of {len(drawn)}.")
    return [Picture("differences", title, svg, table)], notes + unpaired
