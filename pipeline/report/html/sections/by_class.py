"""Accuracy by class, and of each modality within an ensemble."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from pipeline.report.html.gather.confusion import recall, totals
from pipeline.report.html.gather.models import drawn
from pipeline.report.html.gather.report import Report
from pipeline.report.html.parts import Column, Picture, Row, Section, Table, count, percent, text
from pipeline.report.html.sections.legend import counted_models, drawn_first, drawn_notes, keys_of
from pipeline.report.html.svg.dots import draw_dots
from pipeline.report.results import Row as Result

_MOST_ROWS = 60


def by_class(report: Report) -> Section | None:
    """Return each class's share of recordings that were recognised, the hardest classes first."""
    models = counted_models(report)
    if not models:
        return None
    shares = {model.number: recall(report.tallies[model.number].confusion) for model in models}
    tested = {label for each in shares.values() for label in each}
    mean = {label: statistics.fmean(each[label] for each in shares.values() if label in each) for label in tested}
    classes = sorted(tested, key=lambda label: (mean[label], label))
    counts = [(totals(report.tallies[model.number].confusion), len(model.rows["top1"].seeds)) for model in models]
    most = {label: max(each[label] // seeds for each, seeds in counts) for label in tested}
    values = {(label, m.number): 100 * shares[m.number][label] for m in drawn(models) for label in shares[m.number]}
    title = "Accuracy by class, the hardest first"
    shown = classes[:_MOST_ROWS]
    columns = [Column("Class"), Column("Tested", True, "recordings, each by all seeds"), Column("Mean %", True)]
    columns += [Column(f"{model.title} %", True) for model in drawn_first(models)]
    rows = []
    for label in classes:
        own = [shares[model.number].get(label) for model in drawn_first(models)]
        figures = [percent(None if share is None else 100 * share, 1) for share in own]
        rows.append(Row([text(label), count(most[label]), percent(100 * mean[label], 1), *figures]))
    table = Table("classes", "Accuracy by class", columns, rows)
    svg = draw_dots(title, shown, keys_of(models), {k: v for k, v in values.items() if k[0] in shown})
    notes = drawn_notes(models)
    if len(classes) > _MOST_ROWS:
        notes.append(f"The picture has the {_MOST_ROWS} hardest of {len(classes)} classes.")
    lead = "The share of each class's recordings that was recognised (recall), all folds and seeds together."
    return Section("classes", "By class", lead, [Picture("classes", title, svg, table)], notes, half=True)


def by_modality(report: Report) -> Section | None:
    """Return each modality's own top-1, by what its streams say within a model of several."""
    models = [m for m in report.models if "top1" in m.rows and len(_within(m.rows)) > 1]
    if not models:
        return None
    names = list(dict.fromkeys(name for model in models for name in _within(model.rows)))
    together = "all together"
    values = {
        (name, model.number): model.rows[f"top1 {name}"].mean
        for model in drawn(models)
        for name in names
        if f"top1 {name}" in model.rows
    }
    values |= {(together, model.number): model.rows["top1"].mean for model in drawn(models)}
    columns = [Column("Model"), *(Column(f"{name} %", True) for name in [*names, together])]
    rows = []
    for model in models:
        figures = [model.rows.get(f"top1 {name}") for name in names]
        cells = [percent(figure.mean if figure else None) for figure in figures]
        rows.append(Row([text(model.title), *cells, percent(model.top1)], model.number))
    title = "Top-1 of each modality within the ensemble"
    svg = draw_dots(title, [*names, together], keys_of(models), values)
    lead = (
        "What a model's streams of one modality say (DMFT, Table 8), beside the vote of all. A stream that was fused "
        "has seen the others: how a sensor does alone says a model of it alone."
    )
    table = Table("modalities", title, columns, rows)
    notes = drawn_notes(models)
    return Section("modalities", "By modality", lead, [Picture("modalities", title, svg, table)], notes, half=True)


def _within(rows: Mapping[str, Result]) -> list[str]:
    return [metric.removeprefix("top1 ") for metric in rows if metric.startswith("top1 ")]
