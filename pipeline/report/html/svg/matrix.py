"""A confusion matrix: rows are the true classes, columns the predicted ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.report.html.markup import Markup, element
from pipeline.report.html.svg.canvas import CHARACTER, frame, hint, words

_NAME = 20  # characters
_LEAST, _MOST = 14, 40  # of a cell, in units of the picture
_SIDE = 470  # of all cells, about
_LEVELS = 10


def draw_matrix(title: str, classes: Sequence[str], counts: Mapping[tuple[str, str], int]) -> Markup:
    """Draw counts by (true, predicted), shaded by their share of the row."""
    cell = min(max(_SIDE / max(len(classes), 1), _LEAST), _MOST)
    names = 10 + CHARACTER * min(_NAME, max((len(name) for name in classes), default=0))
    side = cell * len(classes)
    place = {label: at for at, label in enumerate(classes)}
    total: dict[str, int] = {}
    for (label, _), count in counts.items():
        total[label] = total.get(label, 0) + count
    parts = [words(names + side / 2, 13, "predicted", "t mid soft")]
    left, top = names + 20, names + 22
    parts.append(words(0, 0, "true", "t mid soft", transform=f"translate(11 {top + side / 2:.0f}) rotate(-90)"))
    parts.append(element("rect", x=left, y=top, width=side, height=side, class_="field"))
    parts.append(element("path", d=_grid(left, top, cell, len(classes)), class_="grid"))
    for label, at in place.items():
        middle = cell * (at + 0.5) + 4
        parts.append(words(left - 6, top + middle, label, "t end", most=_NAME))
        turned = f"translate({left + middle:.1f} {top - 6:.1f}) rotate(-90)"
        parts.append(words(0, 0, label, "t", most=_NAME, transform=turned))
    for (label, predicted), count in counts.items():
        if label in place and predicted in place and count:
            x, y = left + cell * place[predicted], top + cell * place[label]
            share = count / total[label]
            parts.append(_cell(x, y, cell, count, share, f"{label} → {predicted}: {count} of {total[label]}"))
    return frame(title, left + side + 6, top + side + 6, parts)


def _cell(x: float, y: float, cell: float, count: int, share: float, about: str) -> Markup:
    level = max(1, round(_LEVELS * share))
    said = f"{about} ({100 * share:.1f} %)"
    shaded = element("rect", hint(said), x=x + 0.5, y=y + 0.5, width=cell - 1, height=cell - 1, class_=f"h h{level}")
    if cell < 16 or len(str(count)) * CHARACTER > cell:
        return shaded
    return Markup(shaded + words(x + cell / 2, y + cell / 2 + 4, str(count), f"c{' on' if level > 5 else ''}"))


def _grid(left: float, top: float, cell: float, count: int) -> str:
    side = cell * count
    return "".join(
        f"M{left + cell * at:.1f} {top:.1f}v{side:.1f}M{left:.1f} {top + cell * at:.1f}h{side:.1f}"
        for at in range(count + 1)
    )
