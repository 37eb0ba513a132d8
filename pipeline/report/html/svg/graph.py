"""The graph of entries with their states, times and bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.report.graph.layers import HEIGHT, WIDTH, place
from pipeline.report.html.markup import Markup, element, number
from pipeline.report.html.svg.canvas import frame, hint, words


@dataclass(frozen=True)
class Box:
    """An entry: what stands below its name, and whether all of it is done."""

    below: str
    about: str
    done: bool


def draw_graph(title: str, boxes: Mapping[str, Box], edges: Sequence[tuple[str, str]]) -> Markup:
    """Draw boxes in columns by depth, and what needs what from left to right."""
    laid = place(list(boxes), edges)
    parts = [element("path", d=_curve(points), class_="edge") for points in laid.edges]
    for points in laid.edges:
        x, y = points[-1]
        parts.append(element("path", d=f"M{number(x - 7)} {number(y - 3.5)}l7 3.5l-7 3.5z", class_="arrow"))
    for name, (x, y) in laid.boxes.items():
        box = boxes[name]
        parts.append(
            element(
                "g",
                hint(box.about),
                element("rect", x=x, y=y - HEIGHT / 2, width=WIDTH, height=HEIGHT, rx=6, class_="box"),
                words(x + WIDTH / 2, y - 4, name, "t mid strong", most=22),
                words(x + WIDTH / 2, y + 13, box.below, "t mid soft small"),
                class_=None if box.done else "todo",
            )
        )
    return frame(title, laid.width, laid.height, parts)


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Draw curves between columns (first to second point, third to fourth, ...) and straight lanes through them."""
    path = f"M{number(points[0][0])} {number(points[0][1])}"
    for at in range(len(points) - 1):
        (x1, y1), (x2, y2) = points[at], points[at + 1]
        bend = number((x1 + x2) / 2)
        end = f"{number(x2)} {number(y2)}"
        path += f"L{end}" if at % 2 else f"C{bend} {number(y1)} {bend} {number(y2)} {end}"
    return path
