"""What makes a trained step's inputs, and whether a graph can hold it. Nothing here imports torch."""

from __future__ import annotations

import msgspec

from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.registry import MOTION_MAPS, encoding_of
from pipeline.stages.encode.recipe import EncodeRecipe, NamedModality
from pipeline.stages.encode.timelines.params import SeriesParams, SkeletonParams
from trainers.data.input_names import modality_of


def check_exportable(plan: Plan, step: Step) -> None:
    """Raise ConfigError where something that makes a trained step's inputs cannot lie in a graph."""
    for inputs in by_modality(step).values():
        encoding(makers(plan, step, inputs)[0])


def by_modality(step: Step) -> dict[str, list[str]]:
    """Return a trained step's inputs by the modality that they are forms of."""
    found: dict[str, list[str]] = {}
    for name in step.work["inputs"]:
        found.setdefault(modality_of(name), []).append(name)
    return found


def encode_step_of(plan: Plan, step: Step, modality: str) -> Step:
    """Return the step that encodes a modality for a trained step."""
    return makers(plan, step, by_modality(step)[modality])[0]


def makers(plan: Plan, step: Step, inputs: list[str]) -> tuple[Step, Step | None]:
    """Return the encode step of a modality's inputs, and the step that draws images of it, if there is one.

    ConfigError where an input comes through something else.
    """
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


def encoding(encode: Step) -> tuple[NamedModality, SeriesParams | SkeletonParams]:
    """Return what an encode step does with series; ConfigError where that cannot lie in a graph."""
    recipe = msgspec.convert(encode.recipe, EncodeRecipe)
    modality = recipe.modality
    if modality.kind == "video":
        maps = encoding_of(modality.kind, recipe.params) == MOTION_MAPS
        what = "motion maps are" if maps else "frozen network is"
        problem = f"{encode.id}: is video, whose {what} no part of a student's file yet"
        raise ConfigError(f"{problem}\n  export a model of series and skeletons")
    params: SeriesParams | SkeletonParams
    if modality.kind == "skeleton":
        params = msgspec.convert(recipe.params, SkeletonParams)
    else:
        params = msgspec.convert(recipe.params, SeriesParams)
    if params.align == "spread":
        problem = f"{encode.id}: align: spread lays windows by a recording's length, which no graph does"
        raise ConfigError(f"{problem}\n  encode with align: resample, truncate or pad")
    return modality, params
