"""The report's files: the page, and its pictures and tables each by itself."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.report.html.page import MADE_BY
from pipeline.report.html.palette import resolved
from pipeline.report.html.parts import Picture, Section, Table, pictures_of, tables_of
from pipeline.terminal import harmless

_HEAD = 4096  # bytes at a file's start, which hold what made it


def check_file(file: Path, option: str, example: str) -> None:
    """Raise ConfigError where a file cannot be written, or another program's or person's is there."""
    given = f"{option} {file}"
    if file.is_dir():
        raise ConfigError(f"{given}: is a folder\n  name a file in it: {option} {file / example}")
    if not file.parent.is_dir():
        raise ConfigError(f"{given}: there is no folder {file.parent}\n  make it, or name another place")
    if file.exists() and not _is_ours(file):
        raise ConfigError(f"{given}: is there already, and not made by `pipeline report`\n  choose another name")
    if not os.access(file.parent, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        raise ConfigError(f"{given}: cannot be written there: no permission\n  name another place")


def check_folder(folder: Path, option: str) -> None:
    """Raise ConfigError where a folder can neither be made nor written to."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{option} {folder}: is no folder\n  name a folder, which need not be there yet")
    if not folder.exists() and not folder.parent.is_dir():
        raise ConfigError(f"{option} {folder}: there is no folder {folder.parent}\n  make it, or name another place")
    if not os.access(folder if folder.exists() else folder.parent, os.W_OK):
        raise ConfigError(f"{option} {folder}: cannot be written there: no permission\n  name another place")


def write_text(file: Path, text: str) -> None:
    """Write a file; it is there whole, or as it was before."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", newline="")
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def write_pictures(folder: Path, sections: Sequence[Section]) -> int:
    """Write every picture as an SVG that needs no page; return how many."""
    folder.mkdir(exist_ok=True)
    named = _named(picture for section in sections for picture in pictures_of(section))
    for name, picture in named.items():
        write_text(folder / f"{name}.svg", standing_alone(picture))  # type: ignore[arg-type]
    return len(named)


def write_tables(folder: Path, sections: Sequence[Section]) -> int:
    """Write every table whole as CSV, numbers in all their digits; return how many."""
    folder.mkdir(exist_ok=True)
    named = _named(table for section in sections for table in tables_of(section))
    for name, table in named.items():
        write_text(folder / f"{name}.csv", as_csv(table))  # type: ignore[arg-type]
    return len(named)


def standing_alone(picture: Picture) -> str:
    """Return a picture as a file of its own: with its style, and colours for a light ground."""
    style = resolved(files("pipeline.report.html").joinpath("picture.css").read_text(encoding="utf-8"))
    opened, _, rest = picture.svg.removeprefix("<svg").partition(">")
    return f'<svg xmlns="http://www.w3.org/2000/svg"{opened}><style>{style}</style>{rest}\n'


def as_csv(table: Table) -> str:
    """Return a table as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([harmless(column.named or column.title) for column in table.columns])
    for row in table.rows:
        values = [cell.exact or harmless(cell.text) if cell.value is None else cell.value for cell in row.cells]
        writer.writerow(values)
    return text.getvalue()


def as_latex(table: Table) -> str:
    """Return a table for LaTeX, with booktabs' rules."""
    kinds = "".join("r" if column.numeric else "l" for column in table.columns)
    lines = [f"% {MADE_BY}; needs \\usepackage{{booktabs}}", f"\\begin{{tabular}}{{{kinds}}}", "\\toprule"]
    lines.append(_latex_row([column.title for column in table.columns]))
    lines.append("\\midrule")
    lines += [_latex_row([cell.text for cell in row.cells]) for row in table.rows]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def _latex_row(cells: Sequence[str]) -> str:
    return f"{' & '.join(map(_latex, cells))} \\\\"


def _latex(text: str) -> str:
    special = {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "±": r"$\pm$",
        "–": "--",
    }
    return "".join(special.get(c, f"\\{c}" if c in "&%$#_{}" else c) for c in harmless(text))


def _named(parts: Iterator[Picture] | Iterator[Table]) -> Mapping[str, Picture | Table]:
    """Give each a name that a file can have, and that no other has."""
    named: dict[str, Picture | Table] = {}
    for part in parts:
        name = plain = re.sub(r"[^\w.-]+", "-", part.name).strip(".-")[:50] or "part"
        number = 2
        while name in named:
            name, number = f"{plain}-{number}", number + 1
        named[name] = part
    return named


def _is_ours(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return MADE_BY.encode() in opened.read(_HEAD)
    except OSError:
        return False
