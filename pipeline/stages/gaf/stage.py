"""The gaf stage: one modality's encoded series as Gramian angular fields, shard by shard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.errors import ConfigError, StepError
from pipeline.stages.encode.timings import Timings
from pipeline.stages.gaf.params import GafRecipe, GafStageParams, GafWork
from pipeline.stages.sharded import Note, run_sharded, seconds_by_phase
from store.features import FeatureArray, FeatureLayout, FeatureOutput, create, open_features, pending, write_shard
from trainers.gaf.fused import render_into
from trainers.gaf.params import GafParams
from trainers.gaf.stored import TYPES, encode

if TYPE_CHECKING:
    from pipeline.stages.context import Context, ShardDraft

Arrays = dict[str, NDArray[Any]]


def run(context: Context) -> dict[str, Any]:
    """Render the recipe's modality into the draft; the caller publishes it."""
    return run_sharded(open(context))


def open(context: Context) -> GafShards:
    """Return the rendering of the recipe's modality, shard by shard."""
    recipe, work = msgspec.convert(context.recipe, GafRecipe), msgspec.convert(context.work, GafWork)
    encoded = open_features(context.outputs[work.features])
    return GafShards(recipe.params, encoded, recipe.modality, context.draft, context.progress)


class GafShards:
    """Renders one modality into a draft; see `pipeline.stages.sharded.Sharded`.

    Rows are those of the encode output. Shards that the draft's journal holds are kept, as in encode.

    Raises
    ------
    ConfigError
        The encode output has no series, or the parameters do not fit it.
    StepError
        A series cannot be rendered.
    """

    def __init__(
        self,
        params: GafStageParams,
        encoded: FeatureOutput,
        name: str,
        draft: ShardDraft,
        progress: Callable[[int, int, str], None],
    ) -> None:
        self._params, self._encoded, self._name = params, encoded, name
        self._draft, self._progress = draft, progress
        self._arrays = layout(params, encoded, name)
        self._timings = Timings()
        self._finished = 0

    def prepare(self) -> list[int]:
        """See `Sharded.prepare`."""
        create(self._draft, self._arrays, attributes(self._params, self._encoded))
        to_make = pending(self._draft, self._arrays)
        for shard in {*range(self._arrays.shards)}.difference(to_make):
            self._advance(shard)
        return to_make

    def make_shards(self, numbers: Iterable[int]) -> Iterator[tuple[int, Note]]:
        """See `Sharded.make_shards`."""
        for shard in numbers:
            rows = self._arrays.rows_of(shard)
            with self._timings.phase("read"):
                values = _read(self._encoded, rows, self._name)
            if self._params.render == "ahead":
                with self._timings.phase("render"):
                    values["images"] = _images(values, self._params, rows, self._name)
            with self._timings.phase("write"):
                write_shard(self._draft, self._arrays, shard, values)
            self._advance(shard)
            yield shard, {"timings": self._timings.take()}

    def finalise(self, notes: Iterable[Note]) -> dict[str, Any]:
        """See `Sharded.finalise`; ``timings`` are this run's seconds by phase."""
        return {"timings": seconds_by_phase(notes)}

    def _advance(self, shard: int) -> None:
        self._finished += len(self._arrays.rows_of(shard))
        self._progress(self._finished, self._arrays.rows, "recordings")


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
    copied = ("modality", "kind", "streams", "rate", "vertical_axis")
    given = msgspec.to_builtins(params)
    return {
        **{key: encoded.attributes[key] for key in copied if key in encoded.attributes},
        "form": "images",
        "gaf": {key: given[key] for key in GafParams.__struct_fields__},
        "dtype": params.dtype,
    }


def _read(encoded: FeatureOutput, rows: range, name: str) -> Arrays:
    series = encoded.read("series", rows).astype(np.float32, copy=False)
    valid: NDArray[np.bool_] = np.any(encoded.read("valid", rows), axis=1)
    broken = np.flatnonzero(valid & ~np.isfinite(series).all(axis=(1, 2)))
    if len(broken):
        raise StepError(
            f"{name}: row {rows[broken[0]]} of the encoded series holds a value that is not finite; "
            "repair that recording's file and encode it again"
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
    elif len(good) == len(rows):  # nothing to leave empty: rendered in place
        render_into(series, params, images)
    else:
        rendered = images.new_empty(len(good), *images.shape[1:])
        render_into(series, params, rendered)
        images[torch.from_numpy(good)] = rendered
    return images.numpy()
