"""All sections, the most wanted first."""

from __future__ import annotations

from pipeline.report.html.gather.report import Report
from pipeline.report.html.parts import Section
from pipeline.report.html.robustness.section import robustness
from pipeline.report.html.sections.by_class import by_class, by_modality
from pipeline.report.html.sections.by_group import by_fold, by_subject
from pipeline.report.html.sections.calibration import calibration
from pipeline.report.html.sections.confusion import confusion
from pipeline.report.html.sections.cost import cost
from pipeline.report.html.sections.headline import results
from pipeline.report.html.sections.provenance import graph, provenance
from pipeline.report.html.sections.recordings import hard, skipped
from pipeline.report.html.sections.training import training

_ORDER = (
    results, confusion, by_class, by_modality, by_subject, by_fold, calibration, robustness, training, cost, hard,
    skipped, graph, provenance,
)  # fmt: skip


def sections_of(report: Report) -> list[Section]:
    """Return the sections of which there is something to show."""
    return [section for make in _ORDER if (section := make(report)) is not None]
