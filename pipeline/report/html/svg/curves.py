"""Curves by epoch, a line a model, with the range over its folds and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.report.html.markup import Markup, element, joined, number
from pipeline.report.html.svg.canvas import (
    WIDTH,
    Key,
    Scale,
    axis_below,
    axis_left,
    frame,
    hint,
    legend,
    line,
    mark,
    widened,
    words,
)

_POINTS = 120  # of a line
_HEIGHT = 210


@dataclass(frozen=True)
class Line:
    """One model's figures from epoch 1 on: the mean and the range.

    Attributes
    ----------
    validation
        Whether they are of the recordings set apart: the line is dashed, and a legend says so.
    best
        The best epoch of each run; they are marked on the line.
    """

    key: Key
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    validation: bool = False
    best: Sequence[int] = ()


def draw_curves(title: str, lines: Sequence[Line], unit: str, limits: tuple[float, float] | None = None) -> Markup:
    """Draw lines over epochs."""
    shown, top = legend(list(dict.fromkeys(each.key for each in lines)), 4, 2, WIDTH - 8)
    epochs = max(len(each.mean) for each in lines)
    across = Scale(1, max(epochs, 2), 52, WIDTH - 12)
    values = [value for each in lines for value in (*each.low, *each.high)]
    up = Scale(*widened(values, 1e-3, limits), top + _HEIGHT, top + 6)
    parts = [shown, axis_left(up, 52, WIDTH - 12, unit), axis_below(across, top + _HEIGHT, top + _HEIGHT, whole=True)]
    parts.append(words(WIDTH - 12, top + _HEIGHT + 30, "epoch", "t end soft"))
    if any(each.validation for each in lines):
        parts.append(_kinds(top + _HEIGHT + 30))
    for each in reversed(lines):
        at = _epochs(len(each.mean))
        upper = [(across(e), up(each.high[e - 1])) for e in at]
        lower = [(across(e), up(each.low[e - 1])) for e in reversed(at)]
        middle = [(across(e), up(each.mean[e - 1])) for e in at]
        side = " on validation" if each.validation else ""
        last = f"{each.key.label}: {each.mean[-1]:.4g}{unit}{side} after {len(each.mean)} epochs"
        dashed = " dashed" if each.validation else ""
        drawn = [element("path", d=f"{_path([*upper, *lower])}z", class_=f"band f{each.key.colour}")]
        drawn += [element("path", hint(last), d=_path(middle), class_=f"curve{dashed} l{each.key.colour}")]
        drawn += [mark(each.key.colour, *middle[-1], last, 3.6)]
        for epoch in sorted(best for best in {*each.best} if best <= len(each.mean)):
            about = f"{each.key.label}: the best epoch on validation of a training is {epoch}"
            place = {"cx": across(epoch), "cy": up(each.mean[epoch - 1])}
            drawn += [element("circle", hint(about), r=5.5, class_=f"best l{each.key.colour}", **place)]
        parts.append(element("g", drawn, data_m=each.key.model))
    return frame(title, WIDTH, top + _HEIGHT + 36, parts)


def _kinds(y: float) -> Markup:
    """Say which lines are dashed, and what a ring is."""
    parts = [line(52, y - 4, 76, y - 4, "curve lo"), words(82, y, "training", "t soft")]
    parts += [line(146, y - 4, 170, y - 4, "curve dashed lo"), words(176, y, "validation", "t soft")]
    return joined(
        [*parts, element("circle", cx=254, cy=y - 4, r=5.5, class_="best lo"), words(264, y, "best epoch", "t soft")]
    )


def _epochs(count: int) -> list[int]:
    if count <= _POINTS:
        return list(range(1, count + 1))
    return sorted({round(1 + at * (count - 1) / (_POINTS - 1)) for at in range(_POINTS)})


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
