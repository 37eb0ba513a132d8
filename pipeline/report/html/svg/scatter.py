"""Models as marks in a plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.report.html.markup import Markup, element
from pipeline.report.html.svg.canvas import (
    CHARACTER,
    WIDTH,
    Scale,
    axis_below,
    axis_left,
    frame,
    mark,
    shortened,
    widened,
    words,
)

_HEIGHT = 220


@dataclass(frozen=True)
class Point:
    """A model's place; without a colour it is one of many, and has no name beside it."""

    label: str
    x: float
    y: float
    about: str
    colour: int | None
    model: int


def draw_scatter(title: str, points: Sequence[Point], below: str, beside: str) -> Markup:
    """Draw points by x, on a logarithmic axis, and y, in percent."""
    low, high = min(p.x for p in points), max(p.x for p in points)
    across = Scale(10 ** _decade(low, -1), 10 ** _decade(high, 1), 52, WIDTH - 26, log=True)
    up = Scale(*widened([p.y for p in points], 2.0, (0.0, 100.0)), _HEIGHT, 22)
    parts = [axis_below(across, 16, _HEIGHT), axis_left(up, 52, WIDTH - 26, " %")]
    parts += [words(WIDTH - 26, _HEIGHT + 32, below, "t end soft"), words(4, 11, beside, "t soft")]
    # of marks and labels: left, right, base line
    taken = [(x - 5, x + 5, up(point.y) + 4) for point in points for x in [across(point.x)]]
    for point in sorted(points, key=lambda p: p.colour is not None):
        x, y = across(point.x), up(point.y)
        drawn = [mark(point.colour, x, y, point.about)]
        if point.colour is not None:
            label = shortened(point.label, 26)
            left, base = _free(x, y, CHARACTER * len(label), taken)
            taken.append((left, left + CHARACTER * len(label), base))
            drawn.append(words(left, base, label))
        parts.append(element("g", drawn, data_m=point.model))
    return frame(title, WIDTH, _HEIGHT + 38, parts)


def _decade(value: float, side: int) -> int:
    return math.floor(math.log10(value)) if side < 0 else math.floor(math.log10(value)) + 1


def _free(x: float, y: float, wide: float, taken: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Return where a label may begin, beside its mark, where no other label lies."""
    sides = [x + 9, x - 9 - wide]
    for down in (4, -9, 17, -22, 30):
        for left in sides:
            inside = left >= 54 and left + wide <= WIDTH - 4
            if inside and all(left > end or left + wide < begin or abs(y + down - at) > 13 for begin, end, at in taken):
                return left, y + down
    return min(max(x + 9, 54), WIDTH - 4 - wide), y + 4
