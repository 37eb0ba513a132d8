"""What sets experiments apart that stand side by side: in front of their figures, or in a table of its own."""

from __future__ import annotations

from pipeline.plan.runs.settings import is_about, value_text
from pipeline.report.html.gather.models import Model
from pipeline.report.html.gather.report import ExperimentFacts, Report
from pipeline.report.html.parts import Column, Row, Table, text
from pipeline.report.runs.side_by_side import MOST_COLUMNS, same_settings, setting_names


def front_names(report: Report) -> list[str]:
    """Name the columns in front of figures: the run or experiment, and the settings in which they differ.

    There are none for a single experiment. Settings that are too many are told by `what_differs`.
    """
    if len(report.experiments) < 2:
        return []
    return ["Run" if _are_runs_of_one(report) else "Experiment", *setting_names(_columns(report))]


def front_cells(report: Report, own: ExperimentFacts, model: Model, dash: str = "–") -> list[str]:
    """Return what stands below `front_names` in a model's line: a dash for settings that are not about it."""
    if len(report.experiments) < 2:
        return []
    settings = {key: (own.differs or {})[key] for key in _columns(report)}
    return [
        own.run if _are_runs_of_one(report) else own.shown,
        *(value_text(value) if is_about(key, model.name, own.asked) else dash for key, value in settings.items()),
    ]


def what_differs(report: Report) -> Table | None:
    """Return the settings in which experiments differ, where these are no columns in front."""
    keys = _keys(report)
    if len(report.experiments) < 2 or len(keys) <= MOST_COLUMNS:
        return None
    columns = [Column("Setting"), *(Column(each.shown) for each in report.experiments)]
    rows = [
        Row([text(key), *(text(value_text((each.differs or {})[key])) for each in report.experiments)]) for key in keys
    ]
    return Table("differs", "What differs between them", columns, rows, folded=len(rows) > 12)


def alike_notes(report: Report) -> list[str]:
    """Name pairs of one stages file that have the same settings, but not the same outputs."""
    known = [(each, {step.key for step in each.steps}) for each in report.experiments]
    return [
        same_settings(one.shown, other.shown)
        for at, (one, keys) in enumerate(known)
        for other, others in known[at + 1 :]
        if (one.path, one.differs) == (other.path, other.differs) and keys != others
    ]


def _keys(report: Report) -> list[str]:
    return list(report.experiments[0].differs or ())


def _columns(report: Report) -> list[str]:
    keys = _keys(report)
    return keys if len(keys) <= MOST_COLUMNS else []


def _are_runs_of_one(report: Report) -> bool:
    first: ExperimentFacts = report.experiments[0]
    return all(each.run and each.path == first.path for each in report.experiments)
