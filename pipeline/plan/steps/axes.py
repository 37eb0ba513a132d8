"""How a matrix point is named: in the ids of its steps, and in results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.experiment import Point
from trainers.evaluation.protocol_params import protocol_text

RESERVED_AXES = ("modality", "model", "seed")  # axes that steps have of themselves


def matrix_axes(point: Point) -> dict[str, str]:
    """Name a matrix point: each key by its last part, or in full where that means something else already."""
    last = [key.rpartition(".")[2] for key in point.matrix]
    return {
        key if last.count(name) > 1 or name in RESERVED_AXES else name: _value_text(point, key, value)
        for name, (key, value) in zip(last, point.matrix.items(), strict=True)
    }


def fold_axis(point: Point, name: str) -> dict[str, str]:
    """Name a fold: ``subject=3`` by the column and its value, unless the axis is another thing already."""
    axis, _, value = name.partition("=")
    return {"fold": name} if axis in (*RESERVED_AXES, *matrix_axes(point)) else {axis: value}


def point_axes(point: Point) -> dict[str, str]:
    """Name what sets a point apart from others: of the matrix, or the only fold that it has."""
    return {**matrix_axes(point), **(fold_axis(point, point.fold) if point.fold else {})}


def _value_text(point: Point, key: str, value: Any) -> str:
    if key == "protocol":
        return protocol_text(point.protocol)
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def variant(point: Point) -> dict[str, Any]:
    """Return what sets a matrix point's results apart beside modalities and protocol, which have columns."""
    return {key: value for key, value in point.matrix.items() if key not in ("modalities", "protocol")}


def model_axes(point: Point, fold: str, seed: int) -> dict[str, str]:
    """Name a model of an entry: where its point stands in the matrix, its fold and seed."""
    return {**matrix_axes(point), **fold_axis(point, fold), "seed": str(seed)}


def label_of(point: Point, entry: Entry, modalities: Sequence[str], fold: str, seed: int) -> dict[str, Any]:
    """Return how results speak of a model."""
    return {
        "model": entry.name,
        "dataset": point.source.name,
        "protocol": protocol_text(point.protocol),
        "modalities": modalities,
        "seed": seed,
        "fold": fold,
        "variant": variant(point),
    }
