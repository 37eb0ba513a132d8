"""What absent and harmed sensors cost: one table, and a curve for each kind of harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.report.html.gather.models import Model, drawn
from pipeline.report.html.gather.report import Report
from pipeline.report.html.parts import Column, Part, Picture, Row, Section, Table, percent, text
from pipeline.report.html.robustness.drawing import Line, Panel, draw_strengths
from pipeline.report.html.sections.legend import drawn_first, drawn_notes
from pipeline.report.html.svg.canvas import Key
from pipeline.report.robustness.figures import Figure, ordered
from pipeline.report.robustness.wording import TITLES, condition_text, strength_text
from trainers.robustness.conditions import HARMS, WHOLE, Condition, Harm

Figures = Mapping[tuple[int, str], Mapping[Condition, Figure]]  # by model and entry

_WHOLE = "none"  # below the first point of a curve
_LEAD = (
    "Top-1 in percent on the test recordings, mean over seeds, with sensors absent or harmed: one is harmed at a time, "
    "for all models alike. Marks are means, bars their deviation over seeds; the first point is without harm."
)


def robustness(report: Report) -> Section | None:
    """Return the table and the curves."""
    figures = _by_column(report)
    if not figures:
        return None
    models = [model for model in report.models if any(number == model.number for number, _ in figures)]
    pictures = [each for harm in HARMS if (each := _picture(harm, models, figures))]
    weighted = [name for each in report.robustness for name in each.weighted]
    notes = [f"{name}: streams vote by their accuracy on the training side." for name in dict.fromkeys(weighted)]
    entries = list(dict.fromkeys(entry for _, entry in figures))
    if len(entries) > 1:
        notes.append(f"Curves are of {entries[0]}, or of the first entry that tests a model.")
    parts: list[Part] = [*(_table(models, entry, entries, figures) for entry in entries), *pictures]
    return Section("robustness", "Failed sensors", _LEAD, parts, [*drawn_notes(models), *notes])


def _by_column(report: Report) -> Figures:
    found: dict[tuple[int, str], dict[Condition, Figure]] = {}
    for each in report.robustness:
        for figure in each.figures:
            if figure.row.metric == "top1":
                found.setdefault((each.model, figure.entry), {})[figure.condition] = figure
    return found


def _table(models: Sequence[Model], entry: str, entries: Sequence[str], figures: Figures) -> Table:
    ranked = [model for model in drawn_first(models) if (model.number, entry) in figures]
    spread = any(each.row.std is not None for model in ranked for each in figures[model.number, entry].values())
    columns = [Column("Condition")]
    for model in ranked:
        about, named = f"deviation of {model.title} over seeds", f"{model.title} deviation"
        columns += [Column(model.title, True), *([Column("±", True, about, named)] if spread else [])]
    rows = []
    for condition in ordered(each for model in ranked for each in figures[model.number, entry]):
        cells = [text(condition_text(condition))]
        for model in ranked:
            figure = figures[model.number, entry].get(condition)
            cells.append(percent(figure.row.mean if figure else None))
            cells += [percent(figure.row.std if figure else None)] if spread else []
        rows.append(Row(cells))
    first = entry == entries[0]
    caption = "Top-1 with sensors absent or harmed, in percent"
    caption += f": {entry}" if len(entries) > 1 else ""
    name = "robustness" if first else f"robustness-{entry}"
    return Table(name, caption, columns, rows, shown_columns=15, folded=not first)


def _picture(harm: Harm, models: Sequence[Model], figures: Figures) -> Picture | None:
    """Draw the figures of the first entry that tests a model."""
    own: dict[int, Mapping[Condition, Figure]] = {}
    for (number, _), each in figures.items():
        own.setdefault(number, each)
    listed = [each for each in ordered(c for of in own.values() for c in of) if each.harm == harm]
    panels = []
    for modality in dict.fromkeys(each.modality for each in listed):
        conditions = [WHOLE, *(each for each in listed if each.modality == modality)]
        lines = [
            _line(Key(model.title, model.colour, model.number), conditions, own[model.number])
            for model in drawn(models)
            if model.colour is not None and any(each in own[model.number] for each in conditions[1:])
        ]
        if lines:
            panels.append(Panel(f"{modality}", [_WHOLE, *map(_short, conditions[1:])], lines))
    title = f"Top-1 with {TITLES[harm]}, in percent"
    return Picture(f"robustness-{harm}", title, draw_strengths(title, panels)) if panels else None


def _line(key: Key, conditions: Sequence[Condition], figures: Mapping[Condition, Figure]) -> Line:
    rows = [figures[each].row if each in figures else None for each in conditions]
    return Line(key, [row.mean if row else None for row in rows], [row.std if row else None for row in rows])


def _short(condition: Condition) -> str:
    return strength_text(condition).removesuffix(" of the range")
