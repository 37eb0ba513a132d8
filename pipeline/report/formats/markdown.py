"""A table for a page in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.report.formats.sheet import Sheet

_SPECIAL = {each: f"\\{each}" for each in "\\|*_`<[]#"}


def escaped(text: str) -> str:
    """Write a text so that a page shows it as it is."""
    return "".join(_SPECIAL.get(each, each) for each in " ".join(text.split()))


def markdown_text(sheet: Sheet, before: Sequence[str] = (), after: Sequence[str] = ()) -> str:
    """Write a sheet as a table with its heading, what is said before it, and a list of what is said after it."""
    width = len(sheet.header)
    rule = ["---"] * sheet.left + ["---:"] * (width - sheet.left)
    lines = [
        *(escaped(line) for line in before),
        escaped(sheet.heading),
        "",
        _line(map(escaped, sheet.header)),
        _line(rule),
    ]
    for block in sheet.blocks:
        if block.title:
            lines.append(_line([f"**{escaped(block.title)}**", *[""] * (width - 1)]))
        lines += [_line(map(escaped, cells)) for cells in block.lines]
    lines += ["", *(f"{'  ' if line.startswith('  ') else ''}- {escaped(line)}" for line in after)] if after else []
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
