"""Accuracy by subject, and by fold."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping

from pipeline.report.html.gather.models import drawn
from pipeline.report.html.gather.predictions import Share, Tally
from pipeline.report.html.gather.report import Report
from pipeline.report.html.parts import Column, Picture, Row, Section, Table, count, percent, text
from pipeline.report.html.sections.legend import counted_models, drawn_first, drawn_notes, keys_of
from pipeline.report.html.svg.dots import draw_dots

_MOST_ROWS = 40


def by_subject(report: Report) -> Section | None:
    """Return each subject's share of recordings that were recognised."""
    lead = "How much depends on the person: the share of each test subject's recordings that was recognised, all seeds."
    return _by(report, "subjects", "By subject", lead, lambda tally: tally.subjects)


def by_fold(report: Report) -> Section | None:
    """Return each fold's share; None where there is a single one."""
    if all(len(tally.folds) < 2 for tally in report.tallies.values()):
        return None
    lead = "The share of each fold's test recordings that was recognised, over all seeds."
    return _by(report, "folds", "By fold", lead, lambda tally: tally.folds)


def _by(
    report: Report, name: str, title: str, lead: str, shares: Callable[[Tally], Mapping[str, Share]]
) -> Section | None:
    models = counted_models(report)
    if not models:
        return None
    groups = {model.number: shares(report.tallies[model.number]) for model in models}
    mean = {
        group: statistics.fmean(each[group].percent for each in groups.values() if group in each)
        for group in dict.fromkeys(group for each in groups.values() for group in each)
    }
    ordered = sorted(mean, key=lambda group: (mean[group], group))
    picked = drawn(models)
    others = drawn_first(models)
    columns = [Column(title.split()[-1].capitalize()), Column("Tested", True, "recordings times seeds")]
    columns += [Column("Mean %", True), *(Column(f"{model.title} %", True) for model in others)]
    rows = []
    for group in ordered:
        most = max(each[group].count for each in groups.values() if group in each)
        own = [percent(groups[m.number][group].percent if group in groups[m.number] else None) for m in others]
        rows.append(Row([text(group), count(most), percent(mean[group]), *own]))
    shown = ordered[:_MOST_ROWS]
    values = {(g, m.number): groups[m.number][g].percent for m in picked for g in shown if g in groups[m.number]}
    shown_title = f"Accuracy {title.lower()}, the hardest first"
    svg = draw_dots(shown_title, shown, keys_of(models), values)
    notes = drawn_notes(models)
    if len(ordered) > _MOST_ROWS:
        notes.append(f"The picture has the {_MOST_ROWS} hardest of {len(ordered)}.")
    table = Table(name, f"Accuracy {title.lower()}", columns, rows)
    return Section(name, title, lead, [Picture(name, shown_title, svg, table)], notes, half=True)
