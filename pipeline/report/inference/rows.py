"""A plan's models with what each costs to run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.registry import GIVES_MODEL
from pipeline.report.inference.kept import ModelCost
from pipeline.report.results import Row, result_rows

_OF_A_FILE = ("bytes", "p50_ms", "p99_ms", "peak_bytes")
PRECISIONS = ("fp32", "int8")


@dataclass(frozen=True)
class TrainedModel:
    """An entry at one point of the matrix: its first training that is in the store, and its top-1."""

    label: Mapping[str, Any]  # model, dataset, protocol, modalities and variant
    step: Step | None  # None: it is still to be trained
    top1: Row | None


@dataclass(frozen=True)
class CostRow:
    """A model and what it costs; without that, why."""

    model: TrainedModel
    parameters: int | None
    cost: ModelCost | None = None
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the row as the command line prints it: times in ms, sizes in bytes, top-1 in percent."""
        label, step, top1, cost = self.model.label, self.model.step, self.model.top1, self.cost
        place = {name: label[name] for name in ("model", "dataset", "protocol", "modalities")}
        figures = {
            f"{name}_{precision}": getattr(getattr(cost, precision), name) if cost else None
            for name in _OF_A_FILE
            for precision in PRECISIONS
        }
        return {
            **place,
            **({"variant": dict(label["variant"])} if label["variant"] else {}),
            "step": step.id if step else None,
            "top1": top1.mean if top1 else None,
            "parameters": self.parameters,
            "multiply_adds": cost.multiply_adds if cost else None,
            **figures,
            "int8_points": cost.int8_points if cost else None,
            "cpu": cost.machine.cpu if cost else None,
            "threads": cost.machine.threads if cost else None,
            "onnxruntime": cost.machine.onnxruntime if cost else None,
            "disturbed": cost.disturbed if cost else None,
            "problem": self.problem or None,
        }


def trained_models(plan: Plan) -> list[TrainedModel]:
    """Return every model of a plan, in the order of the stages file."""
    labels: dict[str, Mapping[str, Any]] = {}
    steps: dict[str, list[Step]] = {}
    for step in plan.steps.values():
        for label in step.labels if step.stage in GIVES_MODEL else ():
            own = {name: value for name, value in label.items() if name not in ("seed", "fold")}
            place = _place(own)
            labels.setdefault(place, own)
            steps.setdefault(place, []).append(step)
    top1 = {_place(_label(row)): row for row in result_rows(plan) if row.metric == "top1"}
    return [
        TrainedModel(label, next((s for s in steps[place] if plan.states[s.id] == "cached"), None), top1.get(place))
        for place, label in labels.items()
    ]


def _label(row: Row) -> dict[str, Any]:
    place = {"model": row.model, "dataset": row.dataset, "protocol": row.protocol, "modalities": row.modalities}
    return {**place, "variant": dict(row.variant)}


def _place(label: Mapping[str, Any]) -> str:
    return json.dumps(label, sort_keys=True)
