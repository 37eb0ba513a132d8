"""Validate a step's inputs before its stage reads them: recipe, attributes, array shapes, headers of models.

An output whose bytes are those of its manifest can still have been published by a stranger. What its stage promises is
checked here. That nothing in it is executed or unpickled, and that it unpacks to bounded sizes, is checked where it is
read.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from pipeline.errors import StepError
from pipeline.keys.recipe_check import is_of_recipe
from pipeline.registry import GIVES_MODEL
from pipeline.sources.base import Kind
from store.errors import REMEDY, CorruptManifest
from store.features import FeatureOutput, open_features
from trainers.gaf.params import GafParams

if TYPE_CHECKING:
    from pipeline.run.messages import StepJob
    from store import Output

HEADER_BYTES = 16 << 20  # most that a saved model's header may have: the names and shapes of its tensors
NUMBERS = 1 << 24  # most that one recording may have in one input

_Count = Annotated[int, msgspec.Meta(ge=1, le=NUMBERS)]


class _Encoded(msgspec.Struct, frozen=True):
    """The attributes of an encode output that stages read."""

    modality: str
    kind: Kind
    window: _Count
    stride: _Count
    patches: _Count
    length: _Count
    reduce: Literal["mean", "mean-std", "flatten"] | dict[str, Any]  # of a plug-in, its name and parameters
    velocities: bool
    vertical_axis: Literal[0, 1, 2] | None = None
    parents: Annotated[list[Annotated[int, msgspec.Meta(ge=0)]], msgspec.Meta(max_length=NUMBERS)] = []


class _Images(msgspec.Struct, frozen=True):
    """The attributes of a gaf output that stages read."""

    modality: str
    kind: Kind
    form: Literal["images"]
    gaf: GafParams
    vertical_axis: Literal[0, 1, 2] | None = None


class _Model(msgspec.Struct, frozen=True):
    """The description in the header of a saved model."""

    model: str
    params: dict[str, Any]
    shapes: list[Annotated[list[str | int], msgspec.Meta(min_length=2, max_length=5)]]
    classes: list[str]


class _Json(msgspec.Struct, frozen=True):
    json: str


class _Header(msgspec.Struct, frozen=True, rename={"metadata": "__metadata__"}):
    metadata: _Json


def check_inputs(job: StepJob, outputs: Mapping[str, Output]) -> None:
    """Check that each output has the key of its recipe, and contains what its stage writes.

    CorruptManifest or CorruptObject names one that does not; StepError where features lack rows of the key.
    """
    for step, output in outputs.items():
        manifest = output.manifest
        if not is_of_recipe(manifest.key, manifest.recipe):
            raise CorruptManifest(
                f"{job.store}/outputs/{manifest.stage}/{manifest.key}/manifest.json cannot be used: its key is not "
                f"that of its recipe. {REMEDY}",
                url=job.store,
                stage=manifest.stage,
                key=manifest.key,
                attempt=manifest.attempt,
            )
        if manifest.stage in ("encode", "transform", "gaf"):
            _check_features(output, _rows_needed(job))
            _check_rows(job, step, output)
        elif manifest.stage in GIVES_MODEL:
            _check_model(output)


def _check_rows(job: StepJob, step: str, output: Output) -> None:
    """Check that no recording of a fold has an empty row: the step's key says that it is trained or tested on.

    StepError where one has: it broke while it was encoded, and the plan did not know.
    """
    rows = sorted(row for side in ("train", "validation", "test") for row, _ in job.work.get(side, ()))
    valid = open_features(output).read("valid", rows) if rows else ()
    empty = [row for row, patches in zip(rows, valid, strict=True) if not patches.any()]
    if empty:
        raise StepError(
            f"{step}: {len(empty)} of the recordings to train and test on broke while they were encoded "
            f"(the first: row {empty[0]}), and the plan does not know of them\n"
            "  run again; where that does not help, have the features made again: `pipeline run --force ENTRY`"
        )


def _rows_needed(job: StepJob) -> int:
    """Return how many rows features must have for a step to read all that it needs."""
    if job.stage in ("transform", "gaf"):
        return int(job.work["recordings"])
    return 1 + max((row for side in ("train", "validation", "test") for row, _ in job.work.get(side, ())), default=0)


def _check_features(output: Output, rows: int) -> None:
    stored = open_features(output)
    kind: Any = _Images if output.manifest.stage == "gaf" else _Encoded
    try:
        attributes = msgspec.convert(stored.attributes, kind)
    except ValueError as error:
        raise output.corrupt_error("zarr.json", f"is not that of {output.manifest.stage} features: {error}") from error
    problem = _feature_problem(stored, attributes, rows)
    if problem is None and attributes.kind != _kind(output.manifest.recipe, attributes.kind):
        problem = f"it is of kind {attributes.kind}, its recipe of another"
    if problem is not None:
        raise output.corrupt_error("zarr.json", f"is not that of {output.manifest.stage} features: {problem}")


def _feature_problem(stored: FeatureOutput, attributes: _Encoded | _Images, rows: int) -> str | None:
    """Compare arrays with the attributes, which say how many patches or samples each recording has."""
    shapes = {name: stored.array(name).shape[1:] for name in stored.names}
    prefixes: dict[str, tuple[int, ...]] = {"valid": (1,)}  # with which the shape of an array's rows must begin
    ranks = {"valid": 1, "features": 2, "series": 2, "images": 3}
    if isinstance(attributes, _Encoded):
        prefixes = {"valid": (attributes.patches,), "features": (attributes.patches,)}
        if "series" in shapes:
            prefixes["series"] = (attributes.length,)
            if (joints := len(attributes.parents)) and shapes["series"][1:] != (3 * joints,):
                return f"its array series has rows of shape {shapes['series']}, and there are {joints} joints"
        if any(parent >= len(attributes.parents) for parent in attributes.parents):
            return "a joint hangs on one that there is not"
    elif "series" not in shapes:
        return "it has no array series"
    for name, prefix in prefixes.items():
        if shapes.get(name, ())[: len(prefix)] != prefix:
            return f"its array {name} has rows of shape {shapes.get(name)}, its attributes say {prefix}"
    for name, shape in shapes.items():
        if len(shape) != ranks.get(name, -1):
            return f"its array {name} has rows of shape {shape}"
        if (stored.array(name).dtype.kind == "b") != (name == "valid"):
            return f"its array {name} has the type {stored.array(name).dtype}"
    return f"it has {stored.rows} rows, and {rows} are wanted" if stored.rows < rows else None


def _kind(recipe: Mapping[str, Any], otherwise: str) -> Any:
    modality = recipe.get("modality")
    return modality.get("kind", otherwise) if isinstance(modality, dict) else otherwise


def _check_model(output: Output) -> None:
    path = "model.safetensors"
    size = output.entries[path].size if path in output.entries else 0
    length = int.from_bytes(output.read_range(path, 0, min(8, size)), "little")
    if not 0 < length <= min(size - 8, HEADER_BYTES):
        raise output.corrupt_error(path, f"is not a saved model: its header has {length} bytes")
    try:
        header = msgspec.json.decode(output.read_range(path, 8, 8 + length), type=_Header)
        model = msgspec.json.decode(header.metadata.json, type=_Model)
    except (ValueError, RecursionError) as error:
        raise output.corrupt_error(path, f"is not a saved model: {error}") from error
    recipe = output.manifest.recipe
    if {"name": model.model, **model.params} != recipe["params"]["model"] or len(model.classes) != recipe["classes"]:
        raise output.corrupt_error(path, "is not the model of its recipe")
    for name, *shape in model.shapes:
        sizes = [size for size in shape if isinstance(size, int) and size > 0]
        if not isinstance(name, str) or len(sizes) != len(shape) or prod(sizes) > NUMBERS:
            raise output.corrupt_error(
                path, f"is not a saved model: its input {str(name)[:99]!r} has the shape {shape}"
            )
