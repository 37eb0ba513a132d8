"""A video as a few of its frames over time; images side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.inspect.drawing.figure import MAP, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 12
_PIXELS = 160  # rows of a frame as it is drawn, at most twice as many

Read = Callable[[NDArray[np.int64]], Sequence[NDArray[Any]]]  # frames by increasing numbers


def draw_frames(axes: Axes, read: Read, length: int, seconds: NDArray[np.float64]) -> None:
    """Draw as many of `length` frames as there is room for, each around its time of (length,) seconds."""
    (first,) = read(np.zeros(1, np.int64))
    box = axes.get_window_extent()
    begin = float(seconds[0])
    lasts = max(float(np.ptp(seconds)), 1e-9)
    wide = box.height * first.shape[1] / first.shape[0] * lasts / box.width  # seconds that a frame takes
    count = int(np.clip(lasts / (wide * 1.04), 1, min(_MOST, length)))
    numbers = np.unique(np.linspace(0, length - 1, 2 * count + 1)[1::2].round().astype(np.int64))
    frames = [_reduced(frame) for frame in read(numbers)]
    low, high = levels(frames)
    for frame, number in zip(frames, numbers.tolist(), strict=True):
        left = float(np.clip(seconds[number] - wide / 2, begin, max(begin, begin + lasts - wide)))
        extent = (left, left + wide, 0.0, 1.0)
        axes.imshow(frame, cmap=MAP, vmin=low, vmax=high, extent=extent, aspect="auto", interpolation="nearest")
    axes.set_xlim(begin, begin + lasts)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    small(axes)
    axes.spines["left"].set_visible(False)


def levels(frames: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """Return the range that grey frames are shown in: nearly all of what is not zero."""
    readings = np.concatenate([frame[frame > 0].ravel() for frame in frames])
    if not len(readings):
        return 0.0, 1.0
    low, high = np.percentile(readings, [1, 99])
    return float(low), float(max(high, low + 1e-9))


def draw_images(axes: Axes, images: Sequence[NDArray[Any]], labels: Sequence[str], limits: tuple[float, float]) -> None:
    """Draw images of one shape, (H, W) or (H, W, 3), side by side, each with its label below."""
    high, wide = images[0].shape[:2]
    gap = 0.06 * wide
    for at, (image, label) in enumerate(zip(images, labels, strict=True)):
        left = at * (wide + gap)
        axes.imshow(
            image, cmap=MAP, vmin=limits[0], vmax=limits[1], extent=(left, left + wide, 0, high),
            interpolation="nearest",
        )  # fmt: skip
        axes.text(left + wide / 2, -high * 0.03, label, fontsize=7, va="top", ha="center")
    axes.set_xlim(0, len(images) * (wide + gap))
    axes.set_ylim(0, high)
    axes.set_anchor("W")
    axes.axis("off")


def _reduced(frame: NDArray[Any]) -> NDArray[Any]:
    step = max(1, frame.shape[0] // _PIXELS)
    return np.ascontiguousarray(frame[::step, ::step])
