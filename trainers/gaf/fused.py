"""Gramian angular fields on a CPU, straight into stored images: each value is computed, rounded and written once.

torch needs three passes over every image (two products, a conversion) and reaches a fifth of the speed at which
memory can be filled; one loop, compiled by numba, reaches seven tenths of it in float16 from 64 x 64 on
(docs/results.md). numba comes with pyts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numba
import numpy as np
import torch
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic
from torch import Tensor

from trainers.gaf.params import GafParams
from trainers.gaf.stored import HALF_RANGE, MIDDLE
from trainers.gaf.taps import CONSTANT, taps

# Lets the search for least and greatest and the scaling use vectors. Elsewhere products and differences are
# rounded one by one, so that the same series gives the same image on every machine.
_FINITE = {"nnan", "ninf", "nsz"}
_LANES = 4  # channels averaged at once
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
    pixels = (out.view(torch.uint16) if out.dtype == torch.float16 else out).numpy()
    values = np.ascontiguousarray(series.detach().numpy())
    # what lies behind a series is read, and counts for nothing: the last one is copied to where something does
    last = np.append(values[-1:].reshape(-1), np.zeros(len(weight) * channels + _LANES, values.dtype))
    means = index[0] * channels, np.ascontiguousarray(weight.T)  # a point's samples follow each other
    space = np.empty((params.size, _LANES)), np.empty(params.size)
    cos, sin = (torch.empty(params.size).numpy() for _ in range(2))  # on 64 bytes, as torch has it
    for number, field in enumerate(params.fields):
        fill = _compiled(out.dtype, field == "difference")
        for samples, images in ((values[:-1].reshape(-1), pixels[:-1]), (last, pixels[-1:])):
            fill(samples, values.shape[1:], *means, ranges, images, number * channels, *space, cos, sin)


@cache
def _compiled(dtype: torch.dtype, difference: bool) -> Callable[..., None]:
    """Return the loop over all images of one field whose pixels are of one type."""
    pixel = _PIXELS[dtype]

    # Whole arrays and indices, no views: a view counts its references, atomically, and that waits until all that
    # was drawn before has left for memory. Hence also _nrt=False and the working space from outside.
    def fill(
        samples: Any,
        shape: Any,
        at: Any,
        weight: Any,
        ranges: Any,
        images: Any,
        plane: int,
        lanes: Any,
        points: Any,
        cos: Any,
        sin: Any,
    ) -> None:
        length, channels = shape
        centred = len(ranges) == 0
        for recording in range(images.shape[0]):
            for channel in range(channels):
                lane = channel % _LANES
                if lane == 0:
                    first = recording * length * channels + channel
                    _aggregate(samples, first, channels, at, weight, centred, lanes)
                for point in range(len(points)):
                    points[point] = lanes[point, lane]
                if centred:
                    _scale_by_sample(points, cos, sin)
                else:
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


def _aggregate_py(samples: Any, first: int, step: int, at: Any, weight: Any, centred: bool, lanes: Any) -> None:
    """Average _LANES channels at once; lanes beyond the last channel are not used. Centred: see render.angles."""
    for point in range(len(at)):
        _mean(samples, first, at[point], step, weight, np.uint64(point), centred, lanes)


def _mean_ir(
    typing: Any, samples: Any, first: Any, at: Any, step: Any, weight: Any, point: Any, centred: Any, lanes: Any
) -> Any:
    """lanes[point] = the sum over w of weight[point, w] * (samples[first + at + w * step] - origin).

    Channels are neighbours in memory, so that a sample of all is one vector, which numba would not make of it. The
    origin is samples[first], or 0 unless `centred`.
    """

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def array(number: int) -> Any:
            return context.make_array(signature.args[number])(context, builder, arguments[number])

        def splat(value: Any) -> Any:
            one = builder.insert_element(ir.Constant(double, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
            return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), _LANES), [0] * _LANES))

        def sample(offset: Any) -> Any:
            kind = ir.VectorType(context.get_data_type(samples.dtype), _LANES)
            start = builder.bitcast(builder.gep(array(0).data, [offset]), kind.as_pointer())
            value = builder.load(start, align=samples.dtype.bitwidth // 8)
            return builder.fpext(value, double) if samples.dtype == numba.types.float32 else value

        double = ir.VectorType(ir.DoubleType(), _LANES)
        _, first, at, step, _, point, centred, _ = arguments
        taps = builder.extract_value(array(4).shape, 1)
        shares = builder.gep(array(4).data, [builder.mul(point, taps)])
        origin = builder.fmul(splat(builder.uitofp(centred, ir.DoubleType())), sample(first))
        total = cgutils.alloca_once_value(builder, ir.Constant(double, [0.0] * _LANES))  # type: ignore[no-untyped-call]
        builder.store(ir.Constant(double, [0.0] * _LANES), total)  # again for each point
        with cgutils.for_range(builder, taps) as loop:
            offset = builder.add(builder.add(first, at), builder.mul(loop.index, step))
            share = splat(builder.load(builder.gep(shares, [loop.index])))
            part = builder.fmul(share, builder.fsub(sample(offset), origin))
            builder.store(builder.fadd(builder.load(total), part), total)
        lane = builder.gep(array(7).data, [builder.mul(point, ir.Constant(ir.IntType(64), _LANES))])
        builder.store(builder.load(total), builder.bitcast(lane, double.as_pointer()), align=8)
        return context.get_dummy_value()

    return numba.types.void(samples, first, at, step, weight, point, centred, lanes), emit


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


_lean = partial(numba.njit, nogil=True, _nrt=False)
_mean: Any = intrinsic(_mean_ir)
_aggregate = _lean()(_aggregate_py)
_scale_by_sample = _lean(fastmath=_FINITE)(_scale_by_sample_py)
_scale_by_range = _lean(fastmath=_FINITE)(_scale_by_range_py)
_PIXELS = {
    torch.float16: intrinsic(_float16_bits),
    torch.uint8: numba.njit(_byte),
    torch.float32: numba.njit(_same),
}
