"""Gramian angular fields on a CPU, straight into stored images: each value is computed, rounded and written once.

torch needs three passes over every image (two products, a conversion) and reaches a fifth of the speed at which
memory can be filled; one loop, compiled by numba, has 0.8 of it for large images (docs/results.md). numba comes
with pyts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np
import torch
from llvmlite import ir
from numba.extending import intrinsic
from torch import Tensor

from trainers.gaf.params import GafParams
from trainers.gaf.stored import HALF_RANGE, MIDDLE
from trainers.gaf.taps import CONSTANT, taps

# Lets the search for least and greatest and the scaling use vectors. Elsewhere products and differences are
# rounded one by one, so that the same series gives the same image on every machine.
_FINITE = {"nnan", "ninf", "nsz"}
_HALF_RANGE, _MIDDLE = np.float32(HALF_RANGE), np.float32(MIDDLE)


def render_into(series: Tensor, params: GafParams, out: Tensor) -> None:
    """Fill `out` with what `trainers.gaf.stored.encode` makes of `trainers.gaf.render.render`.

    Points and their scaling are computed in float64, images in float32. It releases the GIL and uses one thread;
    the first call for each type compiles for about a second.

    Parameters
    ----------
    series
        (B, L, C) on the CPU, finite, float32 or float64.
    out
        (B, fields x C, S, S) on the CPU, contiguous; float16, uint8 or float32.

    Raises
    ------
    ValueError
        `params.range` does not fit the channels, or `out` has another shape or type.
    """
    channels = series.shape[2]
    wanted = (len(series), len(params.fields) * channels, params.size, params.size)
    if tuple(out.shape) != wanted or out.dtype not in _PIXELS or not out.is_contiguous():
        raise ValueError(
            f"images {out.dtype} {tuple(out.shape)} cannot be filled; "
            f"give a contiguous {wanted} tensor of float16, uint8 or float32"
        )
    index, weight = taps(series.shape[1], params.size)
    ranges = np.array(params.ranges(channels) or (), np.float64)
    pixels = out.view(torch.uint16) if out.dtype == torch.float16 else out
    fill = _compiled(out.dtype)
    values, images = np.ascontiguousarray(series.detach().numpy()), pixels.numpy()
    for number, field in enumerate(params.fields):
        fill(values, index, weight, ranges, field == "difference", images, number * channels)


@cache
def _compiled(dtype: torch.dtype) -> Callable[..., None]:
    """Return the loop over all images whose pixels are of one type."""
    pixel = _PIXELS[dtype]

    def fill(series: Any, index: Any, weight: Any, ranges: Any, difference: bool, images: Any, start: int) -> None:
        size = images.shape[-1]
        points, cos, sin = np.empty(size), np.empty(size, np.float32), np.empty(size, np.float32)
        for recording in range(series.shape[0]):
            for channel in range(series.shape[2]):
                _aggregate(series[recording, :, channel], index, weight, len(ranges) == 0, points)
                if len(ranges):
                    _scale_by_range(points, ranges[channel], cos, sin)
                else:
                    _scale_by_sample(points, cos, sin)
                first, second = (sin, cos) if difference else (cos, sin)
                image = images[recording, start + channel]
                for row in range(size):
                    left, right = first[row], second[row]
                    for column in range(size):
                        image[row, column] = pixel(left * cos[column] - right * sin[column])

    compiled: Callable[..., None] = numba.njit(nogil=True)(fill)
    return compiled


def _aggregate_py(series: Any, index: Any, weight: Any, centred: bool, points: Any) -> None:
    origin = np.float64(series[0]) if centred else 0.0  # see render.angles
    points[:] = 0.0
    for tap in range(index.shape[0]):
        for point in range(index.shape[1]):  # unsigned, or every read would ask whether to count from the end
            points[point] += weight[tap, point] * (np.float64(series[np.uint64(index[tap, point])]) - origin)


def _scale_by_sample_py(points: Any, cos: Any, sin: Any) -> None:
    low = high = points[0]
    for point in points:
        low, high = min(low, point), max(high, point)
    if high - low < CONSTANT:
        cos[:], sin[:] = -1.0, 0.0
        return
    share = 1.0 / (high - low)
    for number in range(len(points)):
        up, down = np.float32((points[number] - low) * share), np.float32((high - points[number]) * share)
        cos[number] = up - down
        sin[number] = np.float32(2.0) * np.sqrt(up * down)


def _scale_by_range_py(points: Any, full: float, cos: Any, sin: Any) -> None:
    for number in range(len(points)):
        value = min(max(points[number] / full, -1.0), 1.0)
        cos[number] = value
        sin[number] = np.sqrt((1.0 - value) * (1.0 + value))


def _float16_bits(typing: Any, value: Any) -> Any:
    """float32 to the bits of float16, rounded to nearest: one instruction, which numba does not know on a CPU."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(builder.fptrunc(arguments[0], ir.HalfType()), ir.IntType(16))

    return numba.types.uint16(numba.types.float32), emit


def _byte(value: Any) -> Any:
    return np.uint8(np.int32(value * _HALF_RANGE + _MIDDLE))


def _same(value: Any) -> Any:
    return value


_aggregate = numba.njit(nogil=True)(_aggregate_py)
_scale_by_sample = numba.njit(nogil=True, fastmath=_FINITE)(_scale_by_sample_py)
_scale_by_range = numba.njit(nogil=True, fastmath=_FINITE)(_scale_by_range_py)
_PIXELS = {
    torch.float16: intrinsic(_float16_bits),
    torch.uint8: numba.njit(_byte),
    torch.float32: numba.njit(_same),
}
