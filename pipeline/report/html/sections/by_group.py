"""Accuracy by subject, and by fold."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from pipeline.report.breakdown import Breakdown
from pipeline.report.html.gather.models import drawn
from pipeline.report.html.gather.report import Report
from pipeline.report.html.parts import Column, Picture, Row, Section, Table, count, percent, text
from pipeline.report.html.sections.legend import drawn_first, drawn_notes, keys_of
from pipeline.report.html.svg.dots import draw_dots

_MOST_ROWS = 40


def by_subject(report: Report) -> Section | None:
    """Return each subject's share of recordings that were recognised."""
    lead = "How much depends on the person: the share of each test subject's recordings that was recognised."
    return _by(report, "subjects", "By subject", lead, report.subjects)


def by_fold(report: Report) -> Section | None:
    """Return each fold's share; None where there is a single one."""
    if all(len(each.parts) < 2 for each in report.folds.values()):
        return None
    lead = "The share of each fold's test recordings that was recognised."
    return _by(report, "folds", "By fold", lead, report.folds)


def _by(report: Report, name: str, title: str, lead: str, broken_down: Mapping[int, Breakdown]) -> Section | None:
    models = [model for model in report.models if model.number in broken_down]
    if not models:
        return None
    parts = {number: {part.name: part for part in each.parts} for number, each in broken_down.items()}
    of_group = {
        group: [each[group] for each in parts.values() if group in each] for each in parts.values() for group in each
    }
    mean = {group: statistics.fmean(part.mean for part in own) for group, own in of_group.items()}
    ordered = sorted(mean, key=lambda group: (mean[group], group))
    others = drawn_first(models)
    columns = [Column(title.split()[-1].capitalize()), Column("Tested", True, "recordings")]
    columns += [Column("Mean %", True), *(Column(f"{model.title} %", True) for model in others)]
    rows = []
    for group in ordered:
        own = [parts[model.number].get(group) for model in others]
        tested = max(part.recordings for part in of_group[group])
        figures = [percent(part.mean if part else None) for part in own]
        rows.append(Row([text(group), count(tested), percent(mean[group]), *figures]))
    shown = ordered[:_MOST_ROWS]
    picked = [model.number for model in drawn(models)]
    values = {
        (group, number): parts[number][group].mean for number in picked for group in shown if group in parts[number]
    }
    shown_title = f"Accuracy {title.lower()}, the hardest first"
    svg = draw_dots(shown_title, shown, keys_of(models), values)
    notes = drawn_notes(models)
    if len(ordered) > _MOST_ROWS:
        notes.append(f"The picture has the {_MOST_ROWS} hardest of {len(ordered)}.")
    table = Table(name, f"Accuracy {title.lower()}", columns, rows)
    lead = f"{lead} Means over seeds, of those of which all folds are there."
    return Section(name, title, lead, [Picture(name, shown_title, svg, table)], notes, half=True)
