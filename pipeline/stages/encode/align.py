"""Window arithmetic: which samples make up which patch. Pure functions of lengths, never of values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.encode.window_params import Align, WindowParams


class TooShortError(ValueError):
    """A recording has fewer samples than its windows need."""


@dataclass(frozen=True)
class Windows:
    """P windows in samples."""

    window: int
    stride: int
    patches: int
    align: Align

    @property
    def length(self) -> int:
        """L, the samples that P windows span: ``window + (patches - 1) * stride``."""
        return self.window + (self.patches - 1) * self.stride


def windows(params: WindowParams, rate: float) -> Windows:
    """Return the windows in samples; seconds count at the nominal rate in Hz, rounded, at least one."""
    per_unit = 1.0 if params.unit == "samples" else rate
    window, stride = (max(1, round(value * per_unit)) for value in (params.window, params.stride))
    return Windows(window=window, stride=stride, patches=params.patches, align=params.align)


def positions(length: int, samples: int) -> NDArray[np.float64]:
    """Return `samples` positions, evenly spaced in relative time, among `length` samples: 0 to length - 1.

    A single position is the first sample.
    """
    if length < 1:
        raise TooShortError("has no samples")
    return np.linspace(0.0, length - 1.0, samples)


def nearest(length: int, samples: int) -> NDArray[np.int64]:
    """Return `positions` rounded to the nearest sample, halves upwards."""
    return np.floor(positions(length, samples) + 0.5).astype(np.int64)


def starts(spec: Windows, length: int) -> NDArray[np.int64]:
    """Return where the windows begin on a timeline of `length` samples: P of them, fewer only with ``pad``.

    Raises
    ------
    TooShortError
        The timeline holds no whole window, or, with ``truncate``, fewer than P.
    """
    if spec.align == "resample":
        return np.arange(spec.patches, dtype=np.int64) * spec.stride
    if length < spec.window:
        raise TooShortError(f"has {length} samples, fewer than one window ({spec.window})")
    if spec.align == "spread":
        return nearest(length - spec.window + 1, spec.patches)
    count = min(spec.patches, (length - spec.window) // spec.stride + 1)
    if spec.align == "truncate" and count < spec.patches:
        raise TooShortError(f"has {length} samples, fewer than {spec.patches} windows span ({spec.length})")
    return np.arange(count, dtype=np.int64) * spec.stride


def frames(spec: Windows, length: int) -> NDArray[np.int64]:
    """Return (windows, window) frame numbers of a video of `length` frames; ``resample`` takes the nearest.

    TooShortError as from `starts`; also for a video without frames.
    """
    samples = starts(spec, length)[:, None] + np.arange(spec.window, dtype=np.int64)
    return nearest(length, spec.length)[samples] if spec.align == "resample" else samples


def interpolate(
    values: NDArray[np.float64], times: NDArray[np.float64], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate (T, C) `values` at `times`, which do not decrease, linearly `at` (L,) times; ends hold."""
    if len(times) == 1:
        return np.repeat(values, len(at), axis=0)
    after = np.clip(np.searchsorted(times, at, side="right"), 1, len(times) - 1)
    before = after - 1
    gap = times[after] - times[before]
    share = np.clip((at - times[before]) / np.where(gap > 0, gap, 1.0), 0.0, 1.0)[:, None]
    return values[before] * (1.0 - share) + values[after] * share
