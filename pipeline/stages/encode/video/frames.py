"""From a camera's frames to a network's images: scaled to 0..1, pooled by window while the video streams, resized."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pipeline.stages.encode.video.params import DepthRange

MARGIN = 0.05  # of the person's extent, on each side

Frame = NDArray[np.uint8] | NDArray[np.uint16]


class FramesError(ValueError):
    """A video's frames are not what its windows need."""


@dataclass(frozen=True)
class Pooled:
    """A mean of frames, (H, W) or (H, W, 3) in 0..1, and the patches that it counts for with which share."""

    values: NDArray[np.float32]
    shares: tuple[tuple[int, float], ...]


def to_unit_range(frame: Frame, depth: DepthRange) -> NDArray[np.float32]:
    """Return a frame in 0..1: colour divided by 255, millimetres linearly from near (0) to far (1), clipped.

    A depth pixel without a reading (0 mm) becomes 0, as everything nearer than `near` does.
    """
    if frame.ndim == 3 and frame.dtype == np.uint8:
        return np.multiply(frame, np.float32(1 / 255), dtype=np.float32)
    if frame.ndim == 2 and frame.dtype == np.uint16:
        scaled = np.subtract(frame, np.float32(depth.near), dtype=np.float32)
        scaled *= np.float32(1 / (depth.far - depth.near))
        return np.clip(scaled, 0, 1, out=scaled)
    raise FramesError(f"a frame is {frame.dtype} {frame.shape}, neither uint8 (H, W, 3) nor uint16 (H, W)")


def pool_frames(
    frames: Iterable[Frame], needed: NDArray[np.int64], windows: NDArray[np.int64], depth: DepthRange, *, average: bool
) -> Iterator[Pooled]:
    """Stream a video into its windows; holds the sums of the windows that are open, and no frame twice.

    Parameters
    ----------
    frames
        Those that are needed, in order.
    needed
        Their numbers: all that are in `windows`, once each.
    windows
        (windows, window) frame numbers that do not decrease along either axis; a number can repeat.
    depth
        How millimetres become 0..1.
    average
        True: yield each window's mean. False: yield each needed frame once, with its share of each patch.

    Raises
    ------
    FramesError
        The video ends early, or its frames change size or type.
    """
    wanted = _wanted(windows)
    last, window = windows[:, -1], windows.shape[1]
    sums: dict[int, NDArray[np.float32]] = {}
    count, shape = 0, None
    # Windows close in order, so only those that overlap are open at a time.
    for number, frame in zip(needed.tolist(), frames, strict=False):
        count += 1
        values = to_unit_range(frame, depth)
        if values.shape != (shape := shape or values.shape):
            raise FramesError(f"frame {number} has the size {values.shape[:2]}, those before it {shape[:2]}")
        patches = wanted[number]
        if not average:
            yield Pooled(values, tuple((patch, times / window) for patch, times in patches))
        for patch, times in patches if average else ():
            _add(sums, patch, values, times)
            if last[patch] == number:
                yield Pooled(sums.pop(patch) / np.float32(window), ((patch, 1.0),))
    if count < len(needed):
        raise FramesError(f"ends early: frame {needed[count] + 1} is needed and missing")


def _wanted(windows: NDArray[np.int64]) -> dict[int, list[tuple[int, int]]]:
    """Return, for every frame that is needed, the patches that it belongs to and how often it counts."""
    wanted: dict[int, list[tuple[int, int]]] = {}
    for patch, members in enumerate(windows):
        numbers, counts = np.unique(members, return_counts=True)
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            wanted.setdefault(number, []).append((patch, count))
    return wanted


def _add(sums: dict[int, NDArray[np.float32]], patch: int, values: NDArray[np.float32], count: int) -> None:
    weighted = values if count == 1 else values * np.float32(count)
    if patch in sums:
        sums[patch] += weighted
    else:
        sums[patch] = weighted.copy()


@dataclass(frozen=True)
class CropSquare:
    """A square of a frame, in pixels; it may reach beyond the frame."""

    top: int
    left: int
    side: int


def person_square(frames: Iterable[Frame]) -> CropSquare | None:
    """Return the square around all pixels with a reading in any of the frames, and a margin; None for none."""
    rows: NDArray[np.bool_] | None = None
    columns: NDArray[np.bool_] | None = None
    for frame in frames:
        seen = frame > 0
        row, column = np.asarray(seen.any(1)), np.asarray(seen.any(0))
        rows = row if rows is None else rows | row
        columns = column if columns is None else columns | column
    if rows is None or columns is None or not rows.any():
        return None
    (top, bottom), (left, right) = (np.flatnonzero(line)[[0, -1]].tolist() for line in (rows, columns))
    side = round((max(bottom - top, right - left) + 1) * (1 + 2 * MARGIN))
    return CropSquare((top + bottom + 1 - side) // 2, (left + right + 1 - side) // 2, side)


def image(values: NDArray[np.float32], size: int, square: CropSquare | None) -> Tensor:
    """Return (1 or 3, size, size): cropped and resized (bilinear, antialiased, proportions not kept)."""
    tensor = torch.from_numpy(crop(values, square) if square else values)
    planes = tensor[None] if tensor.ndim == 2 else tensor.permute(2, 0, 1)
    if planes.shape[1:] == (size, size):
        return planes
    return F.interpolate(planes[None], size=(size, size), mode="bilinear", antialias=True)[0]


def crop(values: NDArray[np.float32], crop: CropSquare) -> NDArray[Any]:
    """Return the square of an (H, W, ...) frame; what lies beyond the frame is 0."""
    found = np.zeros((crop.side, crop.side, *values.shape[2:]), values.dtype)
    top, left = max(crop.top, 0), max(crop.left, 0)
    part = values[top : crop.top + crop.side, left : crop.left + crop.side]
    found[top - crop.top :, left - crop.left :][: part.shape[0], : part.shape[1]] = part
    return found
