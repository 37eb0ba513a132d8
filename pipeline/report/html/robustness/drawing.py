"""Top-1 by the strength of a harm: a panel a modality, a line a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.report.html.markup import Markup, element, number
from pipeline.report.html.svg.canvas import (
    WIDTH,
    Key,
    Scale,
    axis_left,
    frame,
    hint,
    legend,
    line,
    mark,
    widened,
    words,
)

_COLUMNS = 2
_HEIGHT = 120
_LEFT = 40
_TITLE, _BELOW = 22, 26  # what a panel has above and below


@dataclass(frozen=True)
class Line:
    """One model's top-1 in percent without the harm and at each strength; None where it has no figure."""

    key: Key
    mean: Sequence[float | None]
    deviation: Sequence[float | None]


@dataclass(frozen=True)
class Panel:
    """Lines of one modality; `strengths` are what stands below them, the first is without harm."""

    title: str
    strengths: Sequence[str]
    lines: Sequence[Line]


def draw_strengths(title: str, panels: Sequence[Panel]) -> Markup:
    """Draw panels side by side, of one scale: mean, and deviation over seeds as a bar."""
    keys = {each.key for panel in panels for each in panel.lines}
    shown, top = legend(sorted(keys, key=lambda key: key.colour), 4, 2, WIDTH - 8)
    ends = [
        end
        for panel in panels
        for each in panel.lines
        for mean, spread in zip(each.mean, each.deviation, strict=True)
        if mean is not None
        for end in (mean - (spread or 0), mean + (spread or 0))
    ]
    range_ = widened(ends, 1.0, (0.0, 100.0))
    width = WIDTH / _COLUMNS
    parts = [shown]
    for at, panel in enumerate(panels):
        place = width * (at % _COLUMNS), top + (_TITLE + _HEIGHT + _BELOW) * (at // _COLUMNS)
        parts += _panel(panel, *place, width, range_)
    return frame(title, WIDTH, top + (_TITLE + _HEIGHT + _BELOW) * -(-len(panels) // _COLUMNS), parts)


def _panel(panel: Panel, left: float, top: float, width: float, range_: tuple[float, float]) -> list[Markup]:
    across = Scale(0, len(panel.strengths) - 1, left + _LEFT + 8, left + width - 22)
    bottom = top + _TITLE + _HEIGHT
    up = Scale(*range_, bottom, top + _TITLE)
    parts = [words(left + _LEFT, top + 14, panel.title, "t", most=24)]
    parts.append(axis_left(up, left + _LEFT, left + width - 14, ""))
    parts += [words(across(at), bottom + 15, name, "t mid soft") for at, name in enumerate(panel.strengths)]
    for each in reversed(panel.lines):
        points = [(at, mean) for at, mean in enumerate(each.mean) if mean is not None]
        path = "M" + "L".join(f"{number(across(at))} {number(up(mean))}" for at, mean in points)
        drawn = [element("path", d=path, class_=f"curve l{each.key.colour}")]
        for at, mean in points:
            spread = each.deviation[at]
            said = f"{each.key.label}, {panel.title}, {panel.strengths[at]}: {mean:.2f}"
            said += f" ± {spread:.2f} %" if spread is not None else " %"
            if spread:
                bar = line(across(at), up(mean - spread), across(at), up(mean + spread), f"curve l{each.key.colour}")
                drawn.append(bar)
            drawn.append(element("g", hint(said), mark(each.key.colour, across(at), up(mean), said, 3.4)))
        parts.append(element("g", drawn, data_m=each.key.model))
    return parts
