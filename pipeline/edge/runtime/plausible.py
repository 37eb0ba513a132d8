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
_FAR, _NEAR = 1.0, 0.1  # of the range in training: beyond the first nothing is let pass, beyond the second a factor is


def implausible(stream: StreamInput, values: NDArray[Any]) -> str:
    """Return what is odd about (T, *sample) values; empty where nothing is, or the card has no limits.

    A channel is odd when more than half of its samples lie further outside of the limits of training than these are
    apart; or when they lie outside at all, larger than in training, and a unit's factor would bring them inside. With
    limits of the other people, the first alone finds 34 of UTD-MHAD's 861 recordings in m/s² in place of g, both find
    855; both refuse none of UTD-MHAD's and of Berkeley-MHAD's 3,948 in their own unit.
    """
    if not stream.low:
        return ""
    flat = values.reshape(-1, values.shape[-1])  # of a skeleton an axis has all joints
    low, high = np.asarray(stream.low), np.asarray(stream.high)
    apart = np.where(high > low, high - low, np.inf)  # a channel that never moved says nothing
    near = low - _NEAR * apart, high + _NEAR * apart
    for at in np.flatnonzero(_mostly_outside(flat, *near)).tolist():
        values = flat[:, at]
        cause = _cause(values, near[0][at], near[1][at], stream.unit)
        far = _mostly_outside(flat, low - _FAR * apart, high + _FAR * apart)[at]
        if far or cause:
            cause = cause or "is it in another unit, or are its channels in another order?"
            low_, high_ = np.quantile(values, [0.25, 0.75])
            odd = f"{_channel(stream, at)} is mostly not as in training: half of it lies in {low_:.4g} to {high_:.4g}"
            return f"{odd}, and in training all did in {stream.low[at]:.4g} to {stream.high[at]:.4g}; {cause}"
    return ""


def _mostly_outside(flat: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> NDArray[np.bool_]:
    outside = ((flat < low) | (flat > high)).sum(0)
    odd: NDArray[np.bool_] = 2 * outside > len(flat)
    return odd


def _channel(stream: StreamInput, at: int) -> str:
    if len(stream.sample) == 2:
        return f"axis {'xyz'[at] if stream.sample[1] == 3 else at + 1}"
    return f"channel {stream.channels[at]}" if stream.channels else f"channel {at + 1}"


def _cause(values: NDArray[Any], low: float, high: float, unit: str) -> str:
    """Return which unit would explain a channel's values, those of the trained unit first; empty where none does."""
    if np.median(np.abs(values)) <= max(-low, high):  # no larger than in training, only of the other sign
        return ""
    words = re.split(r"[^\w²]+", unit)
    for factor, given, trained in sorted(_FACTORS, key=lambda each: not {*each[2].split()} & {*words}):
        if 2 * int(((values >= low * factor) & (values <= high * factor)).sum()) > len(values):
            return f"is it in {given} where {trained} was trained (factor {factor:.4g})?"
    return ""
