"""A series as lines over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.inspect.drawing.figure import COLOURS, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 1500  # of a line; of more, each stretch's least and greatest are drawn
_NAMED = 9  # channels that the legend names
_ALIKE = 8.0  # times as large, or as small
_GROUPS = 4
_STYLES = ("-", "--", ":")


def draw_series(axes: Axes, values: NDArray[np.float64], seconds: NDArray[np.float64]) -> None:
    """Draw (T, C) values at (T,) seconds, a line a channel; steps over five times the usual one are left open.

    Channels of very different size, such as those of an accelerometer and a gyroscope, are drawn one group above the
    other, in axes that take the place of the ones given.
    """
    groups = scales(values)
    if len(groups) == 1:
        _draw_lines(axes, values, seconds, groups[0])
        return
    box = axes.get_position()
    high = box.height / len(groups)
    for at, group in enumerate(groups):
        part = axes.figure.add_axes((box.x0, box.y1 - (at + 1) * high, box.width, 0.88 * high), sharex=axes)
        _draw_lines(part, values, seconds, group)
        part.tick_params(labelbottom=False, bottom=False)
        part.spines["bottom"].set_visible(at == len(groups) - 1)
    axes.set_yticks([])
    small(axes)
    axes.spines["left"].set_visible(False)


def scales(values: NDArray[np.float64]) -> list[list[int]]:
    """Return the channels in groups of three that follow each other and are alike in size, four groups at most."""
    size = np.percentile(np.abs(values), 95, axis=0)
    groups: list[list[int]] = []
    for start in range(0, values.shape[1], 3):
        own = list(range(start, min(start + 3, values.shape[1])))
        before = max(size[groups[-1]]) if groups else 0.0
        now = max(size[own])
        if groups and ((now < _ALIKE * before and before < _ALIKE * now) or len(groups) == _GROUPS):
            groups[-1] += own
        else:
            groups.append(own)
    return groups


def _draw_lines(axes: Axes, values: NDArray[np.float64], seconds: NDArray[np.float64], channels: Sequence[int]) -> None:
    for place, channel in enumerate(channels):
        at, line = _thinned(seconds, values[:, channel])
        steps = np.diff(at)
        usual = max(float(np.median(steps)), float(steps.mean())) if len(steps) else 0.0
        cuts = np.flatnonzero(steps > 5 * usual) + 1
        axes.plot(
            np.insert(at, cuts, np.nan),
            np.insert(line, cuts, np.nan),
            color=COLOURS[place % len(COLOURS)],
            linestyle=_STYLES[place // len(COLOURS) % len(_STYLES)],
            linewidth=0.9,
            label=f"{channel + 1}" if place < _NAMED else None,
        )
    axes.set_xlim(seconds[0], max(seconds[-1], seconds[0] + 1e-9))
    small(axes)
    more = f", of {len(channels)}" if len(channels) > _NAMED else ""
    axes.legend(
        title=f"channel{more}", title_fontsize=7, fontsize=7, loc="upper left", bbox_to_anchor=(1.005, 1.1),
        ncols=1 if len(channels) <= 3 else 2, handlelength=1.2, frameon=False, labelspacing=0.15, columnspacing=0.8,
    )  # fmt: skip


def _thinned(
    seconds: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if len(values) <= 2 * _POINTS:
        return seconds, values
    size = -(-len(values) // _POINTS)
    starts = np.arange(0, len(values), size)
    ends = np.stack([np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)], axis=1)
    return np.repeat(seconds[starts], 2), ends.ravel()
