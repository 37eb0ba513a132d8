"""Which plug-ins the encoding of a modality names, and which steps run their code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.plan.steps.step import Step
from pipeline.registry import ENCODE_PLUGINS, TRANSFORM, Registration, find


def encode_plugins(kind: str, params: Mapping[str, Any]) -> list[Registration]:
    """Return the plug-in that a modality's encode parameters name, if they do."""
    parameter, table, _ = ENCODE_PLUGINS[kind]
    value = params.get(parameter)
    return [find(table, value["name"])] if isinstance(value, dict) else []


def reduction_plugins(features: Iterable[Step], steps: Mapping[str, Step]) -> list[Registration]:
    """Return the plug-ins that whoever reads some features needs, to make patches anew; `steps` are all, by id."""
    found: dict[Registration, None] = {}
    for step in features:
        while step.stage == TRANSFORM:
            step = steps[step.work["features"]]
        if step.stage == "encode" and (kind := step.recipe["modality"]["kind"]) != "video":
            found |= dict.fromkeys(encode_plugins(kind, step.recipe["params"]))
    return [*found]
