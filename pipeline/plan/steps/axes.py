"""How a matrix point is named: in the ids of its steps, and in results."""

from __future__ import annotations

from typing import Any

from pipeline.stagesfile.experiment import Point

RESERVED_AXES = ("modality", "model", "seed")  # axes that steps have of themselves


def matrix_axes(point: Point) -> dict[str, str]:
    """Name a matrix point: each key by its last part, or in full where that means something else already."""
    last = [key.rpartition(".")[2] for key in point.matrix]
    return {
        key if last.count(name) > 1 or name in RESERVED_AXES else name: (
            "+".join(map(str, value)) if isinstance(value, list) else str(value)
        )
        for name, (key, value) in zip(last, point.matrix.items(), strict=True)
    }


def variant(point: Point) -> dict[str, Any]:
    """Return what sets a matrix point's results apart beside modalities and protocol, which have columns."""
    return {key: value for key, value in point.matrix.items() if key not in ("modalities", "protocol")}
