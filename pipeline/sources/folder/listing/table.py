"""Tables of recordings and of segments: small text files, read whole, with the standard library alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.sources.folder.params import Column, Csv
from store import read_plain_file

_MOST_BYTES = 1 << 28
_DELIMITERS = ",;\t|"
_COMMENTS = ("#", "%")  # where the description says none


@dataclass(frozen=True)
class Line:
    """A line of a table: its number, and its text by column."""

    number: int
    columns: Mapping[str, str]


def read_table(root: Path, file: str, how: Csv, names: Mapping[str, Column], needed: Sequence[str]) -> list[Line]:
    """Read a table with a line of names, or one whose columns are told by their numbers.

    Parameters
    ----------
    names
        How the table calls columns that have other names here, or their numbers from 1, by their names here.
    needed
        Which columns there must be, by their names here.

    Raises
    ------
    ConfigError
        The file is not there or is no such table; with the line.
    """
    lines = list(_lines(root, file, how))
    if not lines:
        raise ConfigError(f"{root / file}: is empty\n  its first line names the columns: {', '.join(needed)}, ...")
    first = lines[0]
    if how.header is False:
        known = _numbered(root / file, first, names)
    else:
        known = _named(root / file, first, names)
        del lines[0]
    for name in needed:
        if name not in known:
            problem = f"has no column {name} (it has {', '.join(filter(None, known))})"
            raise ConfigError(f"{root / file}:{first[0]}: {problem}\n  say which one it is: columns: {{{name}: ...}}")
    return [Line(at, _columns(root / file, at, known, values)) for at, values in lines]


def _named(path: Path, line: tuple[int, list[str]], names: Mapping[str, Column]) -> list[str]:
    """Return what columns are called here, by a table's line of names."""
    number, values = line
    header = [name.strip() for name in values]
    if twice := next((name for i, name in enumerate(header) if name and name in header[:i]), None):
        raise ConfigError(f"{path}:{number}: has the column {twice} twice\n  rename one")
    calls = {}
    for here, there in names.items():
        name = header[there - 1] if isinstance(there, int) and there <= len(header) else str(there)
        if name not in header:
            problem = f"has no column {there}, which is to be {here} (it has {', '.join(header)})"
            raise ConfigError(f"{path}:{number}: {problem}\n  fix the name under `columns:`")
        calls[name] = here
    return [calls.get(name, name) for name in header]


def _numbered(path: Path, line: tuple[int, list[str]], names: Mapping[str, Column]) -> list[str]:
    """Return what columns are called here, by their numbers; an empty text for those that are not read."""
    number, values = line
    known = [""] * len(values)
    for here, there in names.items():
        if not isinstance(there, int) or there > len(values):
            problem = f"has {len(values)} columns without names, none of which is {there} ({here})"
            raise ConfigError(f"{path}:{number}: {problem}\n  give each column's number under `columns:`, from 1")
        known[there - 1] = here
    return known


def _columns(path: Path, number: int, names: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    if len(values) > len(names) and any(value.strip() for value in values[len(names) :]):
        problem = f"has {len(values)} values, the header {len(names)} names"
        raise ConfigError(f"{path}:{number}: {problem}\n  quote a value that has the delimiter in it")
    return {name: value.strip() for name, value in zip_longest(names, values[: len(names)], fillvalue="") if name}


def _lines(root: Path, file: str, how: Csv) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that count, with their numbers."""
    path = root / file
    try:
        content = read_plain_file(path, _MOST_BYTES + 1)
        text = content.decode("utf-8-sig" if how.encoding.lower().replace("-", "") == "utf8" else how.encoding)
    except FileNotFoundError:
        if not root.is_dir():
            raise ConfigError(f"source.root: there is no folder {root}\n  set source.root to yours") from None
        raise ConfigError(f"{path}: no such table\n  `file` is relative to source.root") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}\n  check the file") from None
    except (UnicodeDecodeError, LookupError) as error:
        raise ConfigError(f"{path}: is not {how.encoding}: {error}\n  say what it is: csv: {{encoding: ...}}") from None
    if len(content) > _MOST_BYTES:
        raise ConfigError(f"{path}: has more than {_MOST_BYTES >> 20} MB\n  a table of recordings has a line for each")
    if "\0" in text:
        raise ConfigError(f"{path}: is no text\n  save it as CSV")
    lines = text.splitlines(keepends=True)[how.skip :]
    first = next((line for line in lines if _counts(line, how)), "")
    delimiter = how.delimiter or max(_DELIMITERS, key=first.count)
    if delimiter == "whitespace":
        yield from (
            (number, line.split()) for number, line in enumerate(lines, start=1 + how.skip) if _counts(line, how)
        )
        return
    reader = csv.reader(
        io.StringIO("".join(line if _counts(line, how) else "\n" for line in lines)), delimiter=delimiter
    )
    while True:
        number = reader.line_num + 1 + how.skip
        try:
            values = next(reader, None)
        except csv.Error as error:
            raise ConfigError(f"{path}:{number}: {error}\n  check the line") from None
        if values is None:
            return
        if any(value.strip() for value in values):
            yield number, values


def _counts(line: str, how: Csv) -> bool:
    comments = _COMMENTS if how.comment is None else (how.comment,) if how.comment else ()
    return bool(line.strip()) and not line.lstrip().startswith(comments)
