"""Depth as seen from the front, the side and above: where the foreground lies, and its three projections."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.encode.video.params import DepthRange

_FARTHEST = int(np.iinfo(np.uint16).max)

Depth = NDArray[np.uint16]  # (n, H, W) millimetres, 0 where there is no reading
Views = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]  # (n, h, w), (n, h, z), (n, z, w)


@dataclass(frozen=True)
class Foreground:
    """The box around all readings of a recording: pixels `top` to `bottom`, `left` to `right`, and millimetres.

    The first belong to it, the last of pixels do not; `near` and `far` both do.
    """

    top: int
    bottom: int
    left: int
    right: int
    near: int
    far: int

    @property
    def pixels(self) -> Any:
        """Return the index of its pixels in (..., H, W)."""
        return np.s_[..., self.top : self.bottom, self.left : self.right]

    def shapes(self, step: float) -> list[tuple[int, int]]:
        """Return the rows and columns of the three views, of which depth has a pixel every `step` millimetres."""
        high, wide = self.bottom - self.top, self.right - self.left
        deep = int((self.far - self.near) // step) + 1
        return [(high, wide), (high, deep), (deep, wide)]


def find_foreground(blocks: Iterable[Depth], depth: DepthRange) -> Foreground | None:
    """Return the box around all readings within a range of depth, in any frame; None where there are none."""
    lowest, highest = max(math.ceil(depth.near), 1), min(math.floor(depth.far), _FARTHEST)
    seen: NDArray[np.bool_] | None = None
    nearest, farthest = _FARTHEST, 0
    for block in blocks:
        inside = (block >= lowest) & (block <= highest)
        found: NDArray[np.bool_] = np.any(inside, axis=0)
        seen = found if seen is None else seen | found
        if found.any():
            readings = block[inside]
            nearest, farthest = min(nearest, int(readings.min())), max(farthest, int(readings.max()))
    if seen is None or not seen.any():
        return None
    (top, bottom), (left, right) = (np.flatnonzero(seen.any(axis))[[0, -1]].tolist() for axis in (1, 0))
    return Foreground(top, bottom + 1, left, right + 1, nearest, farthest)


def views_of(block: Depth, foreground: Foreground, step: float) -> Views:
    """Return the foreground's (n, h, w) frames from the front, from the side and from above.

    Each pixel has how far the surface that is seen there stands out of the box's back: from the front millimetres, from
    the side (from the right) and from above pixels; 0 where nothing is seen.
    """
    frames, high, wide = block.shape
    inside = (block >= foreground.near) & (block <= foreground.far)
    front = np.where(inside, foreground.far + 1 - block.astype(np.int32), 0)
    (_, (_, deep), _) = foreground.shapes(step)
    frame, row, column = np.nonzero(inside)
    layer = ((block[inside] - np.float64(foreground.near)) / step).astype(np.int64)
    side, top = np.zeros((frames, high, deep), np.int32), np.zeros((frames, deep, wide), np.int32)
    np.maximum.at(side.reshape(-1), (frame * high + row) * deep + layer, (column + 1).astype(np.int32))
    np.maximum.at(top.reshape(-1), (frame * deep + layer) * wide + column, (high - row).astype(np.int32))
    return front, side, top
