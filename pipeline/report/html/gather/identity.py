"""What makes steps and figures those of one model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline.report.results import Row

Identity = tuple[str, str, str, tuple[str, ...], str]  # entry, dataset, protocol, modalities, variant


def identity(label: Mapping[str, Any]) -> Identity:
    """Return what a step's label says of its model, but for fold and seed."""
    variant = json.dumps(label["variant"], sort_keys=True)
    return label["model"], label["dataset"], label["protocol"], tuple(label["modalities"]), variant


def identity_of(row: Row) -> Identity:
    """Return the same of a row of results."""
    return row.model, row.dataset, row.protocol, row.modalities, json.dumps(dict(row.variant), sort_keys=True)


def shown_variant(model: Identity) -> str:
    """Return what a point of the matrix sets, in a few words: ``tokens=4``."""
    return ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in json.loads(model[4]).items())
