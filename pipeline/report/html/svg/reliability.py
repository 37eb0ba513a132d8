"""Reliability diagrams: the share of right answers by confidence, beside what the model claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.report.html.markup import Markup, element
from pipeline.report.html.svg.canvas import WIDTH, Key, Scale, frame, hint, line, mark, words

_PANEL = WIDTH / 2
_PLOT = 150
FEW = 4  # models


@dataclass(frozen=True)
class Bar:
    """Predictions whose confidence lies from `low` to `high`; both shares from 0 to 1."""

    low: float
    high: float
    count: int
    accuracy: float
    confidence: float


def draw_reliability(title: str, models: Sequence[tuple[Key, float, Sequence[Bar]]]) -> Markup:
    """Draw a panel a model (its key, its ECE in percent, its bars): two side by side, of more than four models four."""
    columns = 2 if len(models) <= FEW else 4
    parts = []
    for at, (key, ece, bars) in enumerate(models):
        left, top = _PANEL * (at % columns), (_PLOT + 82) * (at // columns)
        parts.append(element("g", _panel(left, top, key, ece, bars), data_m=key.model))
    return frame(title, columns * _PANEL, (_PLOT + 82) * -(-len(models) // columns), parts)


def _panel(left: float, top: float, key: Key, ece: float, bars: Sequence[Bar]) -> list[Markup]:
    across = Scale(0, 1, left + 34, left + 34 + _PLOT)
    up = Scale(0, 1, top + 42 + _PLOT, top + 42)
    most = max((bar.count for bar in bars), default=1)
    parts = [
        mark(key.colour, left + 40, top + 12),
        words(left + 50, top + 16, key.label, "t", most=20),
        words(left + 34, top + 33, f"ECE {ece:.1f} %", "t soft"),
        element("rect", x=across(0), y=up(1), width=_PLOT, height=_PLOT, class_="field"),
    ]
    for value in (0.0, 0.5, 1.0):
        parts.append(words(across(value), top + 42 + _PLOT + 15, f"{100 * value:.0f}", "t mid soft"))
        parts.append(words(left + 29, up(value) + 4, f"{100 * value:.0f}", "t end soft"))
    for bar in bars:
        if bar.count:
            said = (
                f"{key.label}, confidence {100 * bar.low:.0f} to {100 * bar.high:.0f} %: {bar.count} predictions, "
                f"{100 * bar.accuracy:.1f} % right, mean confidence {100 * bar.confidence:.1f} %"
            )
            strength = "strong" if bar.count >= 0.1 * most else "weak"
            x, y = across(bar.low) + 0.7, up(bar.accuracy)
            width, height = across(bar.high) - across(bar.low) - 1.4, max(up(0) - y, 1.0)
            parts.append(
                element("rect", hint(said), x=x, y=y, width=width, height=height, class_=f"{strength} f{key.colour}")
            )
    parts.append(line(across(0), up(0), across(1), up(1), "zero"))
    return parts
