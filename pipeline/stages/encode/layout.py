"""The arrays of an encode output: their shapes and attributes, and rows in the dtype that is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StepError
from pipeline.sources.base import Recording
from pipeline.stages.encode.align import windows
from pipeline.stages.encode.encoder import Encoded, Encoder, EncodeTask
from pipeline.stages.encode.window_params import WindowParams
from store.features import FeatureArray, FeatureLayout


def layout(params: WindowParams, task: EncodeTask, encoder: Encoder) -> FeatureLayout:
    """Return the arrays of a modality's output.

    ``features`` (recording, patch, feature) and ``valid`` (recording, patch), and, where the series is kept,
    ``series`` (recording, sample, channel).
    """
    spec = windows(params, task.modality.rate)
    arrays = [
        FeatureArray("features", (spec.patches, encoder.width), params.dtype, ("patch", "feature")),
        FeatureArray("valid", (spec.patches,), "bool", ("patch",)),
    ]
    if encoder.channels is not None:
        arrays.append(FeatureArray("series", (spec.length, encoder.channels), params.dtype, ("sample", "channel")))
    return FeatureLayout(rows=len(task.recordings), arrays=tuple(arrays))


def attributes(params: WindowParams, task: EncodeTask, encoder: Encoder) -> dict[str, Any]:
    """Return what a reader of the output must know to make patches from `series` again; all in samples."""
    spec = windows(params, task.modality.rate)
    return {
        "modality": task.name,
        "kind": task.modality.kind,
        "streams": list(task.modality.streams),
        "rate": float(task.modality.rate),
        "align": params.align,
        "window": spec.window,
        "stride": spec.stride,
        "patches": spec.patches,
        "length": spec.length,
        "channels": encoder.channels,
        **encoder.attributes,
    }


def as_stored(
    encoded: Encoded, arrays: FeatureLayout, name: str, recordings: Sequence[Recording | None]
) -> dict[str, NDArray[Any]]:
    """Return a shard's arrays in their stored dtype; StepError where a recording's value is not finite in it."""
    values = {"features": encoded.features, "valid": encoded.valid, "series": encoded.series}
    stored: dict[str, NDArray[Any]] = {}
    for array in arrays.arrays:
        full = values[array.name]
        assert full is not None
        with np.errstate(over="ignore"):
            cast = stored[array.name] = full.astype(array.dtype, copy=False)
        for row, recording in enumerate(recordings):
            if recording is not None and not np.isfinite(cast[row]).all():
                raise StepError(
                    f"{name}: {array.name} of recording {recording.id} are not finite as {array.dtype}; "
                    "set dtype: float32 and, for video, precision: fp32"
                )
    return stored
