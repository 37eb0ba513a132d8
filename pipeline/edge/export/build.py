"""From a trained step of a plan to its graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from torch import nn

from pipeline.edge.export.makers import by_modality, encoding, makers
from pipeline.edge.export.raw_model import ModalityGraph, ModalityInputs, RawModel
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.stages.context import Resolve
from pipeline.stages.encode.align import windows
from pipeline.stages.encode.timelines.params import SeriesParams, SkeletonParams
from pipeline.stages.gaf.params import GafStageParams
from pipeline.stages.reduction import resolve_reduction
from trainers.gaf.params import GafParams


def build_graph(plan: Plan, step: Step, network: nn.Module, resolve: Resolve) -> RawModel:
    """Return a trained step's network behind all that encoding does; ConfigError where a part cannot lie in a graph."""
    modalities: dict[str, ModalityInputs] = {}
    for modality, inputs in by_modality(step).items():
        encode, gaf = makers(plan, step, inputs)
        graph = _modality_graph(encode, gaf, resolve)
        forms = {name: name.partition(":")[2] or "patches" for name in inputs}
        modalities[modality] = ModalityInputs(graph, forms)
    return RawModel(network, modalities).eval()


def _modality_graph(encode: Step, gaf: Step | None, resolve: Resolve) -> ModalityGraph:
    modality, params = encoding(encode)
    return ModalityGraph(
        streams=modality.streams,
        rate=modality.rate,
        spec=windows(params, modality.rate),
        channels=modality.channels,
        skeleton=params if isinstance(params, SkeletonParams) else None,
        reduce=resolve_reduction(params.reduce, resolve),
        velocities=isinstance(params, SkeletonParams) and params.velocities,
        rest=params if isinstance(params, SeriesParams) and params.at_rest else None,
        units=modality.units,
        gaf=_gaf_params(gaf.recipe["params"]) if gaf else None,
        parents=params.bone_parents(len(modality.streams)) if isinstance(params, SkeletonParams) else (),
    )


def _gaf_params(params: Mapping[str, Any]) -> GafParams:
    given = msgspec.convert(dict(params), GafStageParams)
    return GafParams(**{name: getattr(given, name) for name in GafParams.__struct_fields__})
