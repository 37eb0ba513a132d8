"""From a trained step of a plan to its graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from torch import nn

from pipeline.edge.export.raw_model import ModalityGraph, ModalityInputs, RawModel
from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.stages.context import Resolve
from pipeline.stages.encode.align import windows
from pipeline.stages.encode.recipe import EncodeRecipe
from pipeline.stages.encode.timelines.params import SeriesParams, SkeletonParams
from pipeline.stages.gaf.params import GafStageParams
from pipeline.stages.reduction import resolve_reduction
from trainers.data.input_names import modality_of
from trainers.gaf.params import GafParams


def build_graph(plan: Plan, step: Step, network: nn.Module, resolve: Resolve) -> RawModel:
    """Return a trained step's network behind all that encoding does; ConfigError where a part cannot lie in a graph."""
    modalities: dict[str, ModalityInputs] = {}
    for modality, inputs in by_modality(step).items():
        encode, gaf = _makers(plan, step, inputs)
        graph = _modality_graph(encode, gaf, resolve)
        forms = {name: name.partition(":")[2] or "patches" for name in inputs}
        modalities[modality] = ModalityInputs(graph, forms)
    return RawModel(network, modalities).eval()


def by_modality(step: Step) -> dict[str, list[str]]:
    """Return a trained step's inputs by the modality that they are forms of."""
    found: dict[str, list[str]] = {}
    for name in step.work["inputs"]:
        found.setdefault(modality_of(name), []).append(name)
    return found


def encode_step_of(plan: Plan, step: Step, modality: str) -> Step:
    """Return the step that encodes a modality for a trained step."""
    return _makers(plan, step, by_modality(step)[modality])[0]


def _makers(plan: Plan, step: Step, inputs: list[str]) -> tuple[Step, Step | None]:
    """Return the encode step of a modality's inputs, and the step that draws images of it, if there is one."""
    encode: Step | None = None
    gaf: Step | None = None
    for name in inputs:
        maker = plan.steps[step.work["features"][name]]
        if maker.stage == "gaf":
            gaf = maker
            maker = plan.steps[maker.work["features"]]
        if maker.stage == "transform":
            problem = f"{step.id}: {name} comes through the stage {maker.entry}, a plug-in that no graph can hold"
            raise ConfigError(f"{problem}\n  export a model that reads encode or gaf entries alone")
        encode = maker
    assert encode is not None
    return encode, gaf


def _modality_graph(encode: Step, gaf: Step | None, resolve: Resolve) -> ModalityGraph:
    recipe = msgspec.convert(encode.recipe, EncodeRecipe)
    modality = recipe.modality
    if modality.kind == "video":
        problem = f"{encode.id}: is video, whose frozen network is no part of a student's file yet"
        raise ConfigError(f"{problem}\n  export a model of series and skeletons")
    params = msgspec.convert(recipe.params, SkeletonParams if modality.kind == "skeleton" else SeriesParams)
    if params.align == "spread":
        problem = f"{encode.id}: align: spread lays windows by a recording's length, which no graph does"
        raise ConfigError(f"{problem}\n  encode with align: resample, truncate or pad")
    return ModalityGraph(
        streams=modality.streams,
        rate=modality.rate,
        spec=windows(params, modality.rate),
        channels=modality.channels,
        skeleton=params if isinstance(params, SkeletonParams) else None,
        reduce=resolve_reduction(params.reduce, resolve),
        velocities=isinstance(params, SkeletonParams) and params.velocities,
        gaf=_gaf_params(gaf.recipe["params"]) if gaf else None,
    )


def _gaf_params(params: Mapping[str, Any]) -> GafParams:
    given = msgspec.convert(dict(params), GafStageParams)
    return GafParams(**{name: getattr(given, name) for name in GafParams.__struct_fields__})
