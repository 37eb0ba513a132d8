"""Gramian angular fields on a CPU, straight into stored images: each value is computed, rounded and written once.

torch needs three passes over every image (two products, a conversion) and reaches a fifth of the speed at which
memory can be filled; one loop, compiled by numba, reaches seven tenths of it in float16 from 64 x 64 on
(docs/results.md). numba comes with pyts.

Hand-written vector code for the averages and the conversion to float16 was measured against this (CPU seconds, paired,
equal bits): this runs at 1.0 of its speed from 64 x 64 on, at 0.8 for 32 x 32 and at 0.7 for 16 x 16.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

from trainers.gaf.params import GafParams
from trainers.gaf.stored import HALF_RANGE, MIDDLE
from trainers.gaf.taps import CONSTANT, taps

# Lets the search for least and greatest and the scaling use vectors. Elsewhere products and differences are
# rounded one by one, so that the same series gives the same image on every machine.
_FINITE = {"nnan", "ninf", "nsz"}
_HALF_RANGE, _MIDDLE = np.float32(HALF_RANGE), np.float32(MIDDLE)
_u32 = np.uint32  # numba widens integers to 64 bits in every operation, which would halve the vectors


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
    shape = (len(series), len(params.fields) * channels, params.size, params.size)
    if tuple(out.shape) != shape or out.dtype not in _PIXELS or not out.is_contiguous():
        raise ValueError(
            f"images {out.dtype} {tuple(out.shape)} cannot be filled; "
            f"give a contiguous {shape} tensor of float16, uint8 or float32"
        )
    index, weight = taps(series.shape[1], params.size)
    averages = index[0], np.ascontiguousarray(weight.T)  # a point's samples follow each other
    ranges = np.array(params.ranges(channels) or (), np.float64)
    pixels = (out.view(torch.uint16) if out.dtype == torch.float16 else out).numpy()
    samples = np.ascontiguousarray(series.detach().numpy())
    cos, sin = (torch.empty(params.size).numpy() for _ in range(2))  # on 64 bytes, as torch has it
    space = np.empty(params.size), cos, sin
    for number, field in enumerate(params.fields):
        fill = _compiled(out.dtype, field == "difference")
        fill(samples, *averages, ranges, pixels, number * channels, *space)


@cache
def _compiled(dtype: torch.dtype, difference: bool) -> Callable[..., None]:
    """Return the loop over all images of one field whose pixels are of one type."""
    pixel = _PIXELS[dtype]

    # Whole arrays and indices, no views: a view counts its references, atomically, and that waits until all that
    # was drawn before has left for memory. Hence also _nrt=False and the working space from outside.
    def fill(
        series: Any, first: Any, weight: Any, ranges: Any, images: Any, plane: int, points: Any, cos: Any, sin: Any
    ) -> None:
        for recording in range(series.shape[0]):
            for channel in range(series.shape[2]):
                if len(ranges) == 0:
                    # without its first value a constant series stays one, however means are rounded
                    origin = np.float64(series[recording, 0, channel])
                    _aggregate(series, recording, channel, first, weight, origin, points)
                    _scale_by_sample(points, cos, sin)
                else:
                    _aggregate(series, recording, channel, first, weight, 0.0, points)
                    _scale_by_range(points, ranges[channel], cos, sin)
                draw(cos, sin, images, recording, plane + channel)

    def draw_py(cos: Any, sin: Any, images: Any, recording: int, plane: int) -> None:
        size = images.shape[2]
        for row in range(size):
            first, second = (sin[row], cos[row]) if difference else (cos[row], sin[row])
            for column in range(size):
                images[recording, plane, row, column] = pixel(first * cos[column] - second * sin[column])

    draw = _lean()(draw_py)
    compiled: Callable[..., None] = _lean()(fill)
    return compiled


def _aggregate_py(
    series: Any, recording: int, channel: int, first: Any, weight: Any, origin: float, points: Any
) -> None:
    """Average one channel's samples into its points; taps beyond the series have no weight and are not read."""
    for point in range(len(points)):
        total, start = 0.0, first[point]
        for tap in range(min(weight.shape[1], series.shape[1] - start)):
            total += weight[point, tap] * (np.float64(series[recording, start + tap, channel]) - origin)
        points[point] = total


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


def _float16_bits(value: Any) -> Any:
    """Bits of a float32 below 2 in size as float16, rounded to nearest, ties to even; numba has no such type."""
    bits = np.float32(value).view(np.uint32)
    magnitude = _u32(bits & _u32(0x7FFF_FFFF))
    # below 2^-14 a float16 counts 2^-24, which is the last bit of a float32 from 0.5 on: the addition rounds
    shifted = np.float32(np.abs(np.float32(value)) + np.float32(0.5))
    subnormal = _u32(shifted.view(np.uint32) - _u32(0x3F00_0000))
    odd = _u32(_u32(magnitude >> _u32(13)) & _u32(1))  # the last bit that stays
    normal = _u32(_u32(_u32(_u32(magnitude + _u32(0xFFF)) + odd) - _u32(112 << 23)) >> _u32(13))
    sign = _u32(_u32(bits >> _u32(16)) & _u32(0x8000))
    return np.uint16(_u32(sign | (subnormal if magnitude < _u32(113 << 23) else normal)))


def _byte(value: Any) -> Any:
    return np.uint8(np.int32(value * _HALF_RANGE + _MIDDLE))


def _same(value: Any) -> Any:
    return value


_lean = partial(numba.njit, nogil=True, _nrt=False)
_aggregate = _lean()(_aggregate_py)
_scale_by_sample = _lean(fastmath=_FINITE)(_scale_by_sample_py)
_scale_by_range = _lean(fastmath=_FINITE)(_scale_by_range_py)
_PIXELS = {torch.float16: numba.njit(_float16_bits), torch.uint8: numba.njit(_byte), torch.float32: numba.njit(_same)}
