"""Means with their intervals, one below the other (a forest plot)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.report.html.markup import Markup, element
from pipeline.report.html.svg.canvas import (
    CHARACTER,
    ROW,
    WIDTH,
    Scale,
    axis_below,
    frame,
    hint,
    line,
    mark,
    widened,
    words,
)

_NAME = 30  # characters


@dataclass(frozen=True)
class Interval:
    """A row: the mean, the ends of its interval where there is one, and the values that it is the mean of."""

    label: str
    mean: float
    ends: tuple[float, float] | None
    values: Sequence[float]
    about: str
    colour: int | None
    model: int


def draw_intervals(
    title: str, rows: Sequence[Interval], unit: str, zero: bool = False, limits: tuple[float, float] | None = None
) -> Markup:
    """Draw rows along one axis; with `zero`, a line there, which an interval covers or does not."""
    left = 14 + CHARACTER * min(_NAME, max((len(row.label) for row in rows), default=0))
    reach = [value for row in rows for value in (row.mean, *(row.ends or ()), *row.values)]
    scale = Scale(*widened([*reach, *([0.0] if zero else [])], 1.0, limits), left, WIDTH - 26)
    top, bottom = 6, 6 + ROW * len(rows)
    parts = [axis_below(scale, top, bottom, unit)]
    if zero:
        parts.append(line(scale(0), top, scale(0), bottom, "zero"))
    for at, row in enumerate(rows):
        y = top + ROW * (at + 0.5)
        x = scale(row.mean)
        line_class = f"bar l{'o' if row.colour is None else row.colour}"
        drawn = [words(left - 10, y + 4, row.label, "t end", most=_NAME)]
        if row.ends:
            low, high = map(scale, row.ends)
            drawn += [line(low, y, high, y, line_class)]
            inside = [scale(end) for end in row.ends if scale.low <= end <= scale.high]  # what goes on, has no end
            drawn += [line(end, y - 4, end, y + 4, line_class) for end in inside]
        drawn += [element("circle", cx=scale(value), cy=y, r=2, class_="seed") for value in row.values]
        drawn += [mark(row.colour, x, y)]
        drawn += [element("rect", hint(row.about), x=left, y=y - 11, width=WIDTH - left, height=ROW, class_="hit")]
        parts.append(element("g", drawn, data_m=row.model))
    return frame(title, WIDTH, bottom + 24, parts)
