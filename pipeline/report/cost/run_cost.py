"""What an output took to make, as its manifest tells; it may come from anybody."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from store.errors import StoreError

if TYPE_CHECKING:
    from store import Manifest, Store


@dataclass(frozen=True)
class RunCost:
    """What an output took, and how much work that was (recordings; of training, recordings times epochs)."""

    kind: str | None  # see `kind_of`
    seconds: float
    bytes: int
    work: float | None  # that the seconds were spent on: less than all where rows were copied
    rows: int | None  # recordings that the bytes hold; None where the size does not depend on them


def run_cost(store: Store, stage: str, key: str) -> RunCost | None:
    """Return what an output took; None where it is not in the store or does not tell."""
    manifest = read_manifest(store, stage, key)
    if manifest is None:
        return None
    seconds = _number(manifest.provenance.get("seconds"))
    if seconds is None:
        return None
    rows = _rows(manifest)
    if manifest.stage == "gaf" and manifest.inputs:
        encoded = read_manifest(store, "encode", manifest.inputs[0])
        rows = _rows(encoded) if encoded else None
    work = _number(_work_done(manifest, rows))
    held = manifest.bytes
    rows = rows if manifest.stage in ("encode", "gaf") else None
    return RunCost(kind_of(manifest.recipe), seconds, held, work, rows)


def read_manifest(store: Store, stage: str, key: str) -> Manifest | None:
    """Return a manifest; None where there is none or it cannot be used, which is no reason not to show a plan."""
    try:
        return store.manifest(stage, key)
    except StoreError:
        return None


def kind_of(recipe: Mapping[str, Any]) -> str | None:
    """Return what steps of one stage must have in common to take a similar time; None for a recipe like no other."""
    match recipe:
        case {"stage": "encode", "modality": {"kind": str(kind)}, "params": dict(params)}:
            network = params.get("backbone", params.get("reduce") if kind == "video" else None)
            return f"{kind} {network.get('name') if isinstance(network, dict) else network}"
        case {"stage": "train" | "distil", "params": {"model": {"name": str(name)}, "modalities": list(modalities)}}:
            return f"{name} of {', '.join(map(str, modalities))}"
        case {"stage": "gaf" | "evaluate" | "robustness" | "index"}:
            return ""
    return None


def _work_done(manifest: Manifest, rows: int | None) -> float | None:
    """Return what a manifest tells of the work that it took; it may come from anybody."""
    match manifest.stage, manifest.recipe, manifest.provenance:
        case "encode", _, {"rows": {"computed": int(computed)}}:
            return computed
        case "encode" | "gaf", _, _:
            return rows
        case "index", _, {"recordings": int(count)}:
            return count
        case "train" | "distil", {"train": {"recordings": int(count)}, "params": {"fit": {"epochs": int(epochs)}}}, _:
            return count * epochs
        case "evaluate" | "robustness", {"test": {"recordings": int(count)}}, _:
            return count
    return None


def _rows(manifest: Manifest) -> int | None:
    """Return the number of an encode output's recordings, where it lists their digests."""
    return next((entry.size // 32 for entry in manifest.objects if entry.path == "rows.sha256"), None)


def _number(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and math.isfinite(value) and value >= 0 else None
