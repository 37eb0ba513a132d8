"""Whether values can be what a model was trained on: another unit is the commonest mistake, and shows nowhere else."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.edge.card import StreamInput

_FACTORS = (  # how many of the first are one of the second; those that are met most come first
    (9.80665, "m/s²", "g"),
    (1000.0, "mg or mm", "g or m"),
    (57.29578, "deg", "rad"),
    (100.0, "cm", "m"),
    (9806.65, "mm/s²", "g"),
)
_NEAR = 0.1  # of the range in training: how far beyond it a converted value may lie to explain what is seen


def implausible(stream: StreamInput, values: NDArray[Any]) -> str:
    """Return what is odd about (T, *sample) values; empty where nothing is, or the card has no limits.

    A channel is odd when more than half of its samples lie further outside of the limits of training than these are
    apart.
    """
    if not stream.low:
        return ""
    low, high = np.asarray(stream.low), np.asarray(stream.high)
    flat = values.reshape(-1, values.shape[-1])  # of a skeleton an axis has all joints
    apart = np.where(high > low, high - low, np.inf)  # a channel that never moved says nothing
    odd = _mostly_outside(flat, low - apart, high + apart)
    if not odd.any():
        return ""
    at = int(odd.argmax())
    name = _channel(stream, at)
    median = float(np.median(flat[:, at]))
    return (
        f"{name} is mostly far from training: its median is {median:.4g}, and it was {low[at]:.4g} to {high[at]:.4g} "
        f"there{_cause(flat[:, at], float(low[at]), float(high[at]), stream.unit)}"
    )


def _mostly_outside(flat: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> NDArray[np.bool_]:
    outside = ((flat < low) | (flat > high)).sum(0)
    odd: NDArray[np.bool_] = 2 * outside > len(flat)
    return odd


def _channel(stream: StreamInput, at: int) -> str:
    if len(stream.sample) == 2:
        return f"axis {'xyz'[at] if stream.sample[1] == 3 else at + 1}"
    return f"channel {stream.channels[at]}" if stream.channels else f"channel {at + 1}"


def _cause(values: NDArray[Any], low: float, high: float, unit: str) -> str:
    near = _NEAR * (high - low)
    words = re.split(r"[^\w²]+", unit)
    for factor, given, trained in sorted(_FACTORS, key=lambda each: not {*each[2].split()} & {*words}):
        converted = values / factor
        if 2 * int(((converted >= low - near) & (converted <= high + near)).sum()) > len(values):
            return f"; is it in {given} where {trained} was trained (factor {factor:.4g})?"
    return "; is it in another unit, or are its channels in another order?"
