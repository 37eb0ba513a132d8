"""The gaf stage: one modality's encoded series as Gramian angular fields, shard by shard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.errors import ConfigError, StepError
from pipeline.stages.encode.timings import Timings
from pipeline.stages.gaf.params import GafStageParams
from store.features import FeatureArray, FeatureLayout, FeatureOutput, create, open_features, pending, write_shard
from trainers.gaf.fused import render_into
from trainers.gaf.params import GafParams
from trainers.gaf.stored import TYPES, encode

if TYPE_CHECKING:
    from pipeline.stages.context import Context

Arrays = dict[str, NDArray[Any]]


def run(context: Context) -> dict[str, Any]:
    """Render the recipe's modality into the draft; the caller publishes it.

    Rows are those of the encode output. Shards that the draft's journal holds are kept, as in encode.

    Returns
    -------
    dict
        Provenance: ``timings``, this run's seconds by phase.

    Raises
    ------
    ConfigError
        The encode output has no series, or the parameters do not fit it.
    StepError
        A series cannot be rendered.
    """
    name: str = context.recipe["modality"]
    params = msgspec.convert(dict(context.recipe["params"]), GafStageParams)
    encoded = open_features(context.outputs[context.work["features"]])
    arrays = layout(params, encoded, name)
    create(context.draft, arrays, attributes(params, encoded))
    todo = set(pending(context.draft, arrays))
    timings = Timings()
    for shard in range(arrays.shards):
        rows = arrays.rows_of(shard)
        if shard in todo:
            with timings.phase("read"):
                values = _read(encoded, rows, name)
            if params.render == "ahead":
                with timings.phase("render"):
                    values["images"] = _images(values, params, rows, name)
            with timings.phase("write"):
                write_shard(context.draft, arrays, shard, values)
        context.progress(rows.stop, arrays.rows, "recordings")
    return {"timings": timings.rounded()}


def layout(params: GafStageParams, encoded: FeatureOutput, name: str) -> FeatureLayout:
    """Return the arrays of a modality's output.

    ``series`` (recording, sample, channel), ``valid`` (recording, image) with one column, and, where they are
    rendered ahead, ``images`` (recording, plane, row, column): a plane is one field of one channel.
    """
    if "series" not in encoded.names:
        raise ConfigError(f"encode.{name}.keep_series: images are rendered from the series; set keep_series: true")
    length, channels = encoded.array("series").shape[1:]
    try:
        params.ranges(channels)
    except ValueError as error:
        raise ConfigError(f"gaf.{name}.{error}") from None
    if params.renderer == "pyts" and params.size > length:
        raise ConfigError(
            f"gaf.{name}.renderer: pyts renders no image larger than its series ({params.size} > {length} samples); "
            f"set renderer: fused, or size: {length} or less"
        )
    arrays = [
        FeatureArray("series", (length, channels), "float32", ("sample", "channel")),
        FeatureArray("valid", (1,), "bool", ("image",)),
    ]
    if params.render == "ahead":
        shape = (len(params.fields) * channels, params.size, params.size)
        arrays.append(FeatureArray("images", shape, params.dtype, ("plane", "row", "column")))
    return FeatureLayout(rows=encoded.rows, arrays=tuple(arrays))


def attributes(params: GafStageParams, encoded: FeatureOutput) -> dict[str, Any]:
    """Return what a reader of the output must know to render the series again, augmented or not."""
    kept = ("modality", "kind", "streams", "rate", "vertical_axis")
    given = msgspec.to_builtins(params)
    return {
        **{key: encoded.attributes[key] for key in kept if key in encoded.attributes},
        "form": "images",
        "gaf": {key: given[key] for key in GafParams.__struct_fields__},
        "dtype": params.dtype,
    }


def _read(encoded: FeatureOutput, rows: range, name: str) -> Arrays:
    series = np.asarray(encoded.array("series")[rows.start : rows.stop]).astype(np.float32, copy=False)
    valid: NDArray[np.bool_] = np.any(np.asarray(encoded.array("valid")[rows.start : rows.stop]), axis=1)
    broken = np.flatnonzero(valid & ~np.isfinite(series).all(axis=(1, 2)))
    if len(broken):
        raise StepError(
            f"{name}: row {rows[broken[0]]} of the encoded series holds a value that is not finite; "
            "mend that recording's file and encode it again"
        )
    return {"series": np.where(valid[:, None, None], series, np.float32(0)), "valid": valid[:, None]}


def _images(values: Arrays, params: GafStageParams, rows: range, name: str) -> NDArray[Any]:
    """Render the valid rows of a shard; the others stay zero."""
    good = np.flatnonzero(values["valid"][:, 0])
    series = torch.from_numpy(values["series"][good])
    planes = len(params.fields) * series.shape[2]
    images = torch.zeros(len(rows), planes, params.size, params.size, dtype=TYPES[params.dtype])
    if params.renderer == "pyts":
        from pipeline.stages.gaf.pyts_images import pyts_images  # pyts compiles for half a minute when imported

        for row, one in zip(good, series.numpy(), strict=True):
            try:
                images[row] = encode(torch.from_numpy(pyts_images(one, params)), params.dtype)
            except ValueError as error:
                raise StepError(f"{name}: row {rows[row]}: pyts: {error}; set renderer: fused") from error
    elif len(good) == len(rows):
        render_into(series, params, images)
    else:
        rendered = images.new_empty(len(good), *images.shape[1:])
        render_into(series, params, rendered)
        images[torch.from_numpy(good)] = rendered
    return images.numpy()
