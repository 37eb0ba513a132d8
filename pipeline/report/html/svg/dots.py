"""Dots in rows: a class, a subject or a sensor a row, a model a mark (Cleveland's dot plot)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline.report.html.markup import Markup, element
from pipeline.report.html.svg.canvas import (
    CHARACTER,
    ROW,
    WIDTH,
    Key,
    Scale,
    axis_below,
    frame,
    legend,
    line,
    mark,
    widened,
    words,
)

_NAME = 24  # characters
_CLOSE = 7.0  # marks hide each other where they are closer
_OFF = 4.5  # a row's line at most


def draw_dots(title: str, rows: Sequence[str], keys: Sequence[Key], values: Mapping[tuple[str, int], float]) -> Markup:
    """Draw percentages by row and by the key's model, along one axis; rows from the top down."""
    left = 14 + CHARACTER * min(_NAME, max((len(row) for row in rows), default=0))
    shown, high = legend(keys, 4, 2, WIDTH - 8)
    top, bottom = high + 4, high + 4 + ROW * len(rows)
    scale = Scale(*widened([*values.values()] or [0.0, 1.0], 1.0, (0.0, 100.0)), left, WIDTH - 26)
    parts = [shown, axis_below(scale, top, bottom, " %")]
    for at, row in enumerate(rows):
        y = top + ROW * (at + 0.5)
        places = [(scale(values[row, key.model]), key) for key in keys if (row, key.model) in values]
        parts.append(words(left - 10, y + 4, row, "t end", most=_NAME))
        if places:
            parts.append(line(min(x for x, _ in places), y, max(x for x, _ in places), y, "span"))
        for x, up, key in _apart(places):
            about = f"{row}, {key.label}: {values[row, key.model]:.2f} %"
            parts.append(element("g", mark(key.colour, x, y + up, about), data_m=key.model))
    return frame(title, WIDTH, bottom + 24, parts)


def _apart(places: Sequence[tuple[float, Key]]) -> Iterator[tuple[float, float, Key]]:
    """Yield places with how far each mark stands off its line: marks that would hide each other stand apart."""
    ordered = sorted(places, key=lambda each: each[0])
    while ordered:
        together = [ordered.pop(0)]
        while ordered and ordered[0][0] - together[-1][0] < _CLOSE:
            together.append(ordered.pop(0))
        room = min(_CLOSE, 2 * _OFF / max(len(together) - 1, 1))
        for at, (x, key) in enumerate(together):
            yield x, room * (at - (len(together) - 1) / 2), key
