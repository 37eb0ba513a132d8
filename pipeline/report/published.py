"""Figures of a publication, as a stages file has them, beside those that were measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pipeline.plan.planner import Plan
from pipeline.plan.steps.axes import variant
from pipeline.report.results import Row
from pipeline.stagesfile.experiment import Point
from trainers.evaluation.protocol_params import protocol_text

Published = Mapping[tuple[str, str], float]  # by a model's place and metric, in percent


def published_of(plan: Plan) -> Published:
    """Return what the stages file says that was published of its models."""
    found: dict[tuple[str, str], float] = {}
    for number, point in enumerate(plan.points):
        for metric, figures in point.experiment.published.figures().items():
            for model, value in figures.items():
                figure = value[0 if point.fold else number] if isinstance(value, tuple) else value
                for place in _places(plan, point, model):
                    found[place, metric] = figure
    return found


def _places(plan: Plan, point: Point, model: str) -> set[str]:
    """Return where a model of a matrix point stands among results."""
    wanted = {"model": model, "protocol": protocol_text(point.protocol), "variant": variant(point)}
    seen = point.matrix.get("modalities")
    labels = (label for step in plan.steps.values() if step.stage == "evaluate" for label in step.labels)
    return {
        _place(label)
        for label in labels
        if wanted.items() <= label.items() and (seen is None or {*label["modalities"]} <= {*seen})
    }


def published_note(plan: Plan) -> list[str]:
    """Say where published figures stand."""
    by = plan.points[0].experiment.published.by
    return [f"published: {by}"] if by else []


def beside(rows: Iterable[Row], published: Published) -> list[Row]:
    """Return rows with what was published of them."""
    return [replace(row, published=published.get((_place(row.as_label()), row.metric))) for row in rows]


def _place(label: Mapping[str, Any]) -> str:
    parts = {name: label[name] for name in ("model", "dataset", "protocol", "modalities", "variant")}
    return json.dumps(parts, sort_keys=True)
