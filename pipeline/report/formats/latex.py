"""A table for a paper: LaTeX with booktabs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pipeline.report.formats.sheet import Sheet

_SPELT = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "°": r"$^\circ$",
    **{each: f"\\{each}" for each in "&%$#_"},
}
_SPECIAL = re.compile("[" + re.escape("".join(_SPELT)) + "]")


def escaped(text: str) -> str:
    """Write a text so that LaTeX prints it as it is."""
    spelt = _SPECIAL.sub(lambda found: _SPELT[found[0]], " ".join(text.split()))
    return spelt.replace("--", "-{}-").replace("--", "-{}-")  # of which LaTeX would make a dash


def latex_text(sheet: Sheet, notes: Sequence[str] = ()) -> str:
    r"""Write a sheet as a ``tabular``, for a document with ``\usepackage{booktabs}``; notes as comments."""
    width = len(sheet.header)
    lines = [*_comments([sheet.heading]), r"% \usepackage{booktabs}"]
    lines += [r"\begin{tabular}{" + "l" * sheet.left + "r" * (width - sheet.left) + "}", r"\toprule"]
    lines.append(_line(sheet.header))
    for block in sheet.blocks:
        lines.append(r"\midrule")
        if block.title:
            lines.append(rf"\multicolumn{{{width}}}{{l}}{{{escaped(block.title)}}} \\")
        lines += [(r"\quad " if block.title else "") + _line(cells) for cells in block.lines]
    lines += [r"\bottomrule", r"\end{tabular}", *_comments(notes)]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return " & ".join(map(escaped, cells)) + r" \\"


def _comments(texts: Sequence[str]) -> list[str]:
    return [f"% {line}" for text in texts for line in text.splitlines() if line]
