"""How a text table is written: what its description leaves out is found out from its first lines."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Csv
from pipeline.sources.folder.reading.tables.lines import counted

WHITESPACE = "whitespace"
MISSING = ("", "nan", "NaN", "NAN", "-nan", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "None", "none", "?")
_DELIMITERS = (",", ";", "\t", "|", WHITESPACE)
_COMMENTS = (b"#", b"%")  # where the description says none
_LOOK = 30  # lines that are looked at, of wide tables fewer
_WIDE = 50_000  # bytes


@dataclass(frozen=True)
class Dialect:
    r"""How one file is written.

    Attributes
    ----------
    delimiter
        One character, or ``whitespace``.
    columns
        How many there are.
    names
        Of the columns, empty where one has none; None where the file has no line of names.
    open_end
        Whether the last column is nothing but a delimiter at the end of each line.
    start
        Lines before the first of data.
    end
        What ends each line beside ``\n``: ``;`` in a table whose delimiter is another.
    rows
        Fields of the first lines of data.
    """

    delimiter: str
    decimal: str
    comments: tuple[bytes, ...]
    columns: int
    names: tuple[str, ...] | None
    open_end: bool
    start: int
    end: bytes
    rows: tuple[tuple[str, ...], ...]

    @property
    def separator(self) -> bytes:
        """What stands between fields, as a byte; a blank for whitespace."""
        return b" " if self.delimiter == WHITESPACE else self.delimiter.encode()

    def __str__(self) -> str:
        written = {"\t": "tabs", WHITESPACE: "blanks", " ": "single blanks"}.get(self.delimiter, f"`{self.delimiter}`")
        header = "with names" if self.names is not None else "without names"
        return f"text, columns: {self.columns}, by {written}, decimal `{self.decimal}`, {header}"


def find_dialect(head: bytes, said: Csv) -> Dialect:
    """Find out from a file's first block how it is written.

    That delimiter is taken with which most fields are numbers; of equals the first of ``, ; tab | blank``. The first
    line has names where nothing in it is a number, or where texts stand above numbers and its numbers are 0, 1, 2 ...

    Raises
    ------
    BrokenFileError
        No line of data, lines before the table, or names and data of different lengths.
    """
    comments = _COMMENTS if said.comment is None else (said.comment.encode(),) if said.comment else ()
    given = said.delimiter
    if given is not None and given != WHITESPACE and (len(given.encode()) != 1 or given in '\r\n"'):
        raise BrokenFileError(f"csv.delimiter: one character (or `{WHITESPACE}`), not {given!r}")
    body = without_lines(head, said.skip)
    separator = b",;\t|" if given is None else b"" if given == WHITESPACE else given.encode()
    lines = []
    for number, line in counted(body, said.skip + 1, comments, separator):
        lines.append((number, _text(line, number)))
        if len(lines) == _LOOK or (len(lines) > 2 and len(lines) * len(line) > _WIDE):
            break
    if lines and (excel := re.fullmatch(r'"?sep=(.)"?', lines[0][1])) is not None:  # what Excel goes by
        given = given or excel[1]
        lines = lines[1:]
    if not lines:
        raise BrokenFileError(
            "has no samples" + (f" after the first {said.skip} lines (csv.skip)" if said.skip else "")
        )
    end = b";" if given != ";" and _all_end_in_semicolon(lines[1:] or lines) else b""
    texts = [text.rstrip().removesuffix(";") if end else text for _, text in lines]
    delimiter, decimal = _most_numbers(texts, given, said.decimal)
    rows = [split(text, delimiter) for text in texts]
    width = Counter(map(len, rows[1:] or rows)).most_common(1)[0][0]
    named = said.header if said.header is not None else _has_names(rows, decimal)
    if said.header is not True:
        _check_preamble([number for number, _ in lines], [len(row) for row in rows], width, named=named)
    data = [row for row in rows[named:] if len(row) == width]
    if not data:
        raise BrokenFileError("has no samples, only a line of names" if named else "has no samples")
    names = (
        _fitted([name.strip() for name in rows[0]], width, data)
        if named
        else _commented(head, said, lines[0][0], delimiter, width, decimal)
    )
    open_end = width > 1 and (names is None or not names[-1]) and not any(row[-1].strip() for row in data)
    start = lines[0][0] if named else lines[0][0] - 1
    return Dialect(delimiter, decimal, comments, width, names, open_end, start, end, tuple(map(tuple, data)))


def split(text: str, delimiter: str) -> list[str]:
    """Return a line's fields, unquoted."""
    if delimiter == WHITESPACE and '"' not in text:
        return text.split()
    if delimiter == WHITESPACE:
        text, delimiter = " ".join(text.split()), " "
    try:
        return next(csv.reader([text], delimiter=delimiter, skipinitialspace=delimiter in ",;|", strict=True))
    except csv.Error as error:
        raise BrokenFileError(f"has a line that is none of a table ({error}): {text[:60]!r}") from error


def number(text: str, decimal: str) -> float:
    """Read a number as Python does; NaN for what is missing. ValueError for anything else."""
    bare = text.strip()
    if bare in MISSING:
        return math.nan
    if decimal == ",":
        if "." in bare:
            raise ValueError(text)
        bare = bare.replace(",", ".", 1)
    return float(bare)


def _is_number(text: str, decimal: str) -> bool:
    try:
        return not math.isnan(number(text, decimal))
    except ValueError:
        return False


def _most_numbers(texts: Sequence[str], given: str | None, sign: str | None) -> tuple[str, str]:
    """Choose delimiter and decimal sign."""
    best, found = -1.0, (given or ",", sign or ".")
    there = {*"".join(texts)}
    for delimiter in _DELIMITERS if given is None else (given,):
        if given is None and delimiter not in there and not (delimiter == WHITESPACE and there & {" ", "\t"}):
            continue
        try:
            rows = [split(text, delimiter) for text in texts]
        except BrokenFileError:  # quotes that would not end
            continue
        rows = rows[1:] or rows
        width = Counter(map(len, rows)).most_common(1)[0][0]
        alike = [row for row in rows if len(row) == width]
        if given is None and (width < 2 or _is_decimal_comma(texts, delimiter, width)):
            continue
        for decimal in (".", ",") if sign is None else (sign,):
            if decimal == delimiter:
                continue
            fields = [field for row in alike for field in row]
            numbers = sum(_is_number(field, decimal) for field in fields)
            missing = sum(field.strip() in MISSING for field in fields)
            score = (numbers + missing / 2) / len(fields) * len(alike) / len(rows)
            if score > best + 1e-9:
                best, found = score, (delimiter, decimal)
    if best < 0 and sign is None and given is None:  # one column: whose sign is it?
        signs = "".join(texts[1:] or texts)
        return (";", ",") if "," in signs and "." not in signs else found
    return found


def _is_decimal_comma(texts: Sequence[str], delimiter: str, width: int) -> bool:
    """Tell whether commas are the decimal signs of one column: its name has none."""
    if delimiter != "," or width != 2 or len(texts) < 2 or "," in texts[0]:
        return False
    return all(re.fullmatch(r"\s*[+-]?\d+,\d+\s*", text) for text in texts[1:])


def _has_names(rows: Sequence[Sequence[str]], decimal: str) -> bool:
    row, below = rows[0], rows[1] if len(rows) > 1 else []
    numbers = [field.strip() for field in row if _is_number(field, decimal)]
    if not numbers:
        return any(field.strip() not in MISSING for field in row)
    texts = [at for at, field in enumerate(row) if field.strip() and not _is_number(field, decimal)]
    counting = numbers[0] in ("0", "1") and numbers == [str(int(numbers[0]) + at) for at in range(len(numbers))]
    return bool(texts) and counting and all(at < len(below) and _is_number(below[at], decimal) for at in texts)


def _check_preamble(lines: Sequence[int], lengths: Sequence[int], width: int, *, named: bool) -> None:
    """Refuse what stands before a table, since it has not the table's columns."""
    if len(lengths) < 3 or lengths[0] == width or (named and lengths[1] == width and abs(lengths[0] - width) == 1):
        return
    begin = lengths.index(width)
    last, skipped = lines[begin - 1], lines[begin] - 1
    where = f"line {last} has" if begin < 2 else f"lines {lines[0]} to {last} have"
    raise BrokenFileError(
        f"{where} not the {width} columns of those below: if the table begins there, say csv: {{skip: {skipped}}}, "
        "else {delimiter: ...}"
    )


def _fitted(names: list[str], width: int, data: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Give each column its name, where the line of names is one shorter or longer than those of data."""
    if len(names) == width + 1 and not names[-1]:
        names = names[:-1]  # a delimiter at the end of names alone
    elif len(names) == width - 1:
        # a delimiter at the end of data alone; else row numbers, which R writes without a name
        names = [*names, ""] if not any(row[-1].strip() for row in data) else ["", *names]
    if len(names) != width:
        raise BrokenFileError(f"has {len(names)} names of columns, but {width} columns in the lines below")
    return tuple(names)


def _commented(head: bytes, said: Csv, first: int, delimiter: str, width: int, decimal: str) -> tuple[str, ...] | None:
    """Return names that stand in a comment right before the data, as numpy's savetxt writes them."""
    if said.header is not None or first < 2 or width < 2:
        return None
    line = head.split(b"\n", first)[first - 2].decode("utf-8", "replace").strip()
    if not line.startswith(("#", "%") if said.comment is None else said.comment or "\0"):
        return None
    names = [name.strip() for name in split(line.lstrip("#% "), delimiter)]
    fits = len(names) == width and not any(_is_number(name, decimal) for name in names)
    return tuple(names) if fits else None


def _all_end_in_semicolon(lines: Sequence[tuple[int, str]]) -> bool:
    return all(text.rstrip().endswith(";") and text.count(";") == 1 and text.count(",") > 0 for _, text in lines)


def without_lines(data: bytes, count: int) -> bytes:
    """Return what follows after some lines."""
    at = 0
    for _ in range(count):
        at = data.find(b"\n", at) + 1
        if not at:
            return b""
    return data[at:]


def _text(line: bytes, number: int) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise not_utf8(line, number, error) from None


def not_utf8(line: bytes, number: int, error: UnicodeDecodeError) -> BrokenFileError:
    """Say that a line is not UTF-8."""
    return BrokenFileError(
        f"line {number} is not UTF-8 (byte 0x{line[error.start]:02x}): say csv: {{encoding: cp1252}}, or which it is"
    )
