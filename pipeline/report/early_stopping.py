"""Trainings that recordings set apart decide on: how many epochs they had, and which one is the model."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.registry import TRAINED


def patience_of(step: Step) -> int:
    """Return how many epochs without a better one a training has before it stops; 0: it has all its epochs."""
    patience: int = step.recipe["params"]["fit"].get("patience", 0)
    return patience


def early_stopping_notes(plan: Plan) -> list[str]:
    """Say of each entry that stops by validation after how many epochs it did, over folds and seeds."""
    runs: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for step in plan.steps.values():
        if step.stage in TRAINED and patience_of(step) and plan.states[step.id] == "cached":
            manifest = plan.store.manifest(step.stage, step.key)
            ran, kept = (manifest.provenance.get(each) for each in ("epochs", "kept_epoch")) if manifest else (0, 0)
            if isinstance(ran, int) and isinstance(kept, int) and ran:
                runs.setdefault((step.entry, step.recipe["params"]["fit"]["epochs"]), []).append((ran, kept))
    return [
        f"{entry}: {_range([ran for ran, _ in found])} of {epochs} epochs ran, "
        f"of which {_range([kept for _, kept in found])} was the best by validation and is the model"
        for (entry, epochs), found in runs.items()
    ]


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low}" if low == high else f"{low} to {high}"
