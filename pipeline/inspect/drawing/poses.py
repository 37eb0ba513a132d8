"""A skeleton as a few stick figures over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.inspect.drawing.figure import COLOURS, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 12


def draw_poses(
    axes: Axes, joints: NDArray[np.float64], seconds: NDArray[np.float64], pairs: Sequence[tuple[int, int]]
) -> None:
    """Draw (T, J, 3) joints, y up, seen along z, at some of (T,) seconds; each figure stands at its time.

    `pairs` are the joints that lines connect.

    Lengths along x and y have the same scale in the picture, whatever the scale of time.
    """
    flat = joints[:, :, :2] - np.median(joints[:, :, :2], axis=1, keepdims=True)
    flat[:, :, 1] = joints[:, :, 1]
    low, high = float(flat[:, :, 1].min()), float(flat[:, :, 1].max())
    box = axes.get_window_extent()
    tall, begin, lasts = max(high - low, 1e-9), float(seconds[0]), max(float(np.ptp(seconds)), 1e-9)
    wide = max(float(np.ptp(flat[:, :, 0])), 0.3 * tall)
    per_unit = box.height / (1.1 * tall) * (lasts / box.width)  # seconds that a unit of length takes
    count = int(np.clip(lasts / (wide * per_unit * 1.1), 1, min(_MOST, len(joints))))
    for at in np.linspace(0, len(joints) - 1, count + 2)[1:-1].round().astype(np.int64):
        x, y = flat[at, :, 0] * per_unit + seconds[at], flat[at, :, 1]
        for one, other in pairs:
            axes.plot(x[[one, other]], y[[one, other]], color=COLOURS[0], linewidth=1.4, solid_capstyle="round")
        axes.plot(x, y, ".", color=COLOURS[1], markersize=3)
    axes.set_xlim(begin, begin + lasts)
    axes.set_ylim(low - 0.05 * tall, high + 0.05 * tall)
    small(axes)
