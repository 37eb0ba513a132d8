"""The lines of the live table: laid out for a width, so that none of them wraps, and never more than a few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.formatting import shortened_middle

MOST_ROWS = 8  # steps that are shown, of however many
_GAP = "  "
_LEAST_NAME = 16
_BAR = 12


@dataclass(frozen=True)
class Row:
    """A step that runs, or that another run is doing; empty where nothing is known."""

    step: str
    far: str
    speed: str = ""
    left: str = "-"
    detail: str = ""
    share: float | None = None  # that is done


def frame(rows: Sequence[Row], summary: Sequence[str], width: int, height: int) -> list[str]:
    """Lay out the table.

    Parameters
    ----------
    summary
        What is said of the whole run below the rows, the most important first.
    width, height
        Of the terminal, in characters. The last column stays free, and so do some lines.

    Returns
    -------
    list of str
        Lines of less than `width` characters, less than `height` of them.
    """
    width = max(width - 1, 20)
    most = max(1, min(MOST_ROWS, height - 5))
    lines = _table(rows[:most], width) if rows else []
    if len(rows) > most:
        lines.append(f"and {len(rows) - most:,} more that run")
    return [line[:width] for line in (*lines, _joined(summary, width))][-max(height - 1, 1) :]


def bar(share: float | None) -> str:
    """Draw how much is done, in twelve characters."""
    full = round((share or 0.0) * _BAR)
    return "━" * full + "─" * (_BAR - full)


def _table(rows: Sequence[Row], width: int) -> list[str]:
    rows = [Row("step", "done", "speed" if any(row.speed for row in rows) else "", "left"), *rows]
    columns = [[row.far for row in rows], [row.speed for row in rows], [row.left for row in rows]]
    details = [row.detail for row in rows]
    longest = max(len(row.step) for row in rows)
    bars = ["", *(bar(row.share) for row in rows[1:])]
    # Of what has no room, the bars go first, then the details, then the speed.
    for shown in ([bars, *columns, details], [*columns, details], columns, [columns[0], columns[2]], [columns[2]]):
        widths = [max(map(len, cells)) for cells in shown]
        room = width - sum(len(_GAP) + each for each in widths if each)
        if room >= min(longest, _LEAST_NAME if shown[0] is not bars else longest):
            break
    name = max(min(longest, room), 4)
    lines = []
    for i, row in enumerate(rows):
        cells = [shortened_middle(row.step, name).ljust(name)]
        cells += [cells_of[i].ljust(each) for cells_of, each in zip(shown, widths, strict=True) if each]
        lines.append(_GAP.join(cells).rstrip())
    return lines


def _joined(parts: Sequence[str], width: int) -> str:
    """Join as many parts as there is room for."""
    text = ""
    for part in filter(None, parts):
        longer = f"{text}, {part}" if text else part
        if len(longer) <= width:
            text = longer
    return text
