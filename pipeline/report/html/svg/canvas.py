"""What all pictures have in common: the frame, axes, marks, the legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.report.html.markup import Markup, element, joined, number

WIDTH = 440  # of most pictures, in their own units; a phone shows them at four fifths of that
CHARACTER = 6.8  # mean width, of 12 px
ROW = 22


@dataclass(frozen=True)
class Scale:
    """From values to places along one direction of a picture."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return a value's place, within the picture."""
        low, high, value = (math.log10(max(v, 1e-12)) if self.log else v for v in (self.low, self.high, value))
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.stop - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Return round values along it, at most so many."""
        if self.log:
            decades = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
            return [10.0**decade for decade in decades]
        return round_values(self.low, self.high, most)


def round_values(low: float, high: float, most: int = 5) -> list[float]:
    """Return the multiples of 1, 2 or 5 times a power of ten from low to high, as many as `most` allows."""
    if not high > low:
        return [low]
    least = (high - low) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next((m * power for m in (1, 2, 5) if m * power >= least * (1 - 1e-9)), 10 * power)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(at * step, 12) for at in range(first, last + 1)]


def widened(
    values: Sequence[float], least: float = 0.0, limits: tuple[float, float] | None = None
) -> tuple[float, float]:
    """Return a range with some room around all values, at least so wide, within limits."""
    low, high = min(values), max(values)
    room = max(0.06 * (high - low), (least - (high - low)) / 2)
    low, high = low - room, high + room
    return (max(low, limits[0]), min(high, limits[1])) if limits else (low, high)


def frame(title: str, width: float, height: float, *content: str | Sequence[str]) -> Markup:
    """Return a picture."""
    return element(
        "svg",
        *content,
        class_="picture",
        width=width,
        height=height,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_label=title,
    )


def words(x: float, y: float, text: str, class_: str = "t", *, most: int = 0, **attributes: str | float) -> Markup:
    """Return text; cut to so many characters, then it says the whole when pointed at."""
    if most and len(text) > most:
        return element("text", shortened(text, most), hint(text), x=x, y=y, class_=class_, **attributes)
    return element("text", text, x=x, y=y, class_=class_, **attributes)


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many characters: of a longer one the beginning and the end, which tell it apart."""
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end].rstrip()}…{text[len(text) - end :].lstrip()}"


def hint(text: str) -> Markup:
    """Return what an element says when it is pointed at."""
    return element("title", text)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def axis_below(scale: Scale, top: float, bottom: float, unit: str = "", whole: bool = False) -> Markup:
    """Return grid lines from top to bottom, and below them their values; with `whole` none but whole numbers."""
    parts = []
    for value in (tick for tick in scale.ticks() if not whole or tick == round(tick)):
        x = scale(value)
        parts += [line(x, top, x, bottom, "grid"), words(x, bottom + 15, f"{plain(value)}{unit}", "t mid soft")]
    return joined(parts)


def axis_left(scale: Scale, left: float, right: float, unit: str = "") -> Markup:
    """Return grid lines from left to right, and left of them their values."""
    parts = []
    for value in scale.ticks():
        y = scale(value)
        parts += [line(left, y, right, y, "grid"), words(left - 6, y + 4, f"{plain(value)}{unit}", "t end soft")]
    return joined(parts)


def plain(value: float) -> str:
    """Write a tick's value shortly."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:g} M"
    return f"{value / 1e3:g} k" if abs(value) >= 1e4 else f"{value:g}"


def mark(colour: int | None, x: float, y: float, about: str = "", size: float = 4.2) -> Markup:
    """Return a model's mark, in its colour and shape; of one without a colour a small dot."""
    content = [hint(about)] if about else []
    if colour is None:
        return element("circle", *content, cx=x, cy=y, r=3, class_="mark fo")
    r = size
    shapes = (
        f"M{number(x - r)} {number(y)}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z",
        _polygon(x, y, r, [(-1, -1), (1, -1), (1, 1), (-1, 1)], 0.88),
        _polygon(x, y, r, [(0, -1.15), (1.1, 0.85), (-1.1, 0.85)]),
        _polygon(x, y, r, [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)]),
        _polygon(x, y, r, [(0, 1.15), (1.1, -0.85), (-1.1, -0.85)]),
        _polygon(x, y, r, [(-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4), (0.4, 1.2),
                           (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4)]),
        _polygon(x, y, r, [(-1.2, -0.5), (1.2, -0.5), (1.2, 0.5), (-1.2, 0.5)]),
    )  # fmt: skip
    return element("path", *content, d=shapes[colour % len(shapes)], class_=f"mark f{colour}")


@dataclass(frozen=True)
class Key:
    """A model as the legend has it: its name, colour and number."""

    label: str
    colour: int
    model: int


def legend(keys: Sequence[Key], left: float, top: float, width: float) -> tuple[Markup, float]:
    """Return marks with names, in as many lines as they take, and how high that is."""
    parts, x, y = [], left, top + 10
    for key in keys:
        label = shortened(key.label, 44)
        wide = 18 + CHARACTER * len(label) + 12
        if x > left and x + wide > left + width:
            x, y = left, y + 18
        parts.append(element("g", mark(key.colour, x + 6, y - 4), words(x + 16, y, label), data_m=key.model))
        x += wide
    return joined(parts), y - top + 10


def _polygon(x: float, y: float, r: float, corners: Sequence[tuple[float, float]], scale: float = 1.0) -> str:
    places = (f"{number(x + r * scale * dx)} {number(y + r * scale * dy)}" for dx, dy in corners)
    return f"M{'L'.join(places)}z"
