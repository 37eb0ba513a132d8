"""How sections speak of models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.report.html.gather.models import Model, drawn
from pipeline.report.html.gather.report import Report
from pipeline.report.html.palette import SERIES
from pipeline.report.html.svg.canvas import Key


def keys_of(models: Iterable[Model]) -> list[Key]:
    """Return the legend of the models that are drawn."""
    return [Key(model.title, model.colour, model.number) for model in models if model.colour is not None]


def counted_models(report: Report) -> list[Model]:
    """Return the models whose predictions there are."""
    return [model for model in report.models if model.number in report.tallies]


def drawn_first(models: Sequence[Model]) -> list[Model]:
    """Return models in the order of columns: those that pictures draw, then the others."""
    return [*drawn(models), *(model for model in models if model.colour is None)]


def drawn_notes(models: Sequence[Model]) -> list[str]:
    """Say that not all models are drawn; nothing where all are."""
    if len(drawn(models)) == len(models):
        return []
    return [f"Pictures draw the {SERIES} models with the highest top-1; tables have all {len(models)}."]
