"""Tables beside the data: of recordings, of stretches within long files, of codes and what they mean."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipeline.init.look.sheets import Sheet, read_sheet
from pipeline.init.names.words import PREFIXES, words_of
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.listing.patterns import plain

_LABELS = {"label", "labels", "activity", "action", "class", "gesture", "exercise", "motion", "behaviour", "behavior"}
_STARTS, _ENDS = {"start", "begin", "onset", "from", "starttime"}, {"end", "stop", "finish", "to", "endtime", "offset"}
_OTHERS = {"session": {"session", "trial", "rep", "repetition", "take"}, "view": {"view", "camera"}, "scene": {"scene"}}
_MOST_CODES = 500
_EPOCH = 9.4e8


@dataclass(frozen=True)
class RecordingsTable:
    """A table with a line a recording.

    Attributes
    ----------
    columns
        Its names for what the stages file calls otherwise.
    paths
        Which columns have paths, by the kind and end of the files.
    ids
        The text of each other column.
    labels
        Of each line.
    """

    file: str
    columns: Mapping[str, str]
    paths: Mapping[str, Sequence[str]]
    texts: Mapping[str, Sequence[str]]
    labels: Sequence[str]
    encoding: str = "utf-8"


@dataclass(frozen=True)
class StretchesTable:
    """What the head of a table of stretches says: how it calls its columns, its unit; each line's label and seconds."""

    columns: Mapping[str, str]
    unit: str
    labels: Sequence[str]
    named: Sequence[str] = field(default=())
    epoch: bool = False
    lengths: Sequence[float] = ()
    subjects: Sequence[str] = ()
    encoding: str = "utf-8"


def recordings_table(root: Path, file: str, present: frozenset[str]) -> RecordingsTable | None:
    """Read a table; None where it is none of recordings: without a column of labels, or without paths or ids."""
    sheet = _sheet(root / file)
    if sheet is None or sheet.names is None:
        return None
    named = _named(sheet.names)
    if "label" not in named:
        return None
    folder = posixpath.dirname(file)
    paths = {}
    for at, name in enumerate(sheet.names):
        cells = [cell.replace("\\", "/") for cell in sheet.columns[at] if cell]
        found = [path for cell in cells if (path := posixpath.normpath(posixpath.join(folder, cell))) in present]
        if name and cells and len(found) >= 0.8 * len(cells):
            paths[name] = found
    texts = {name: sheet.columns[at] for at, name in enumerate(sheet.names) if name not in paths}
    columns = {here: there for here, there in named.items() if there not in paths}
    labels = sheet.columns[sheet.names.index(named["label"])]
    return RecordingsTable(file, columns, paths, texts, labels, sheet.encoding)


def stretches_table(root: Path, file: str) -> StretchesTable | None:
    """Read a table; None where it has no columns of starts, ends and labels."""
    sheet = _sheet(root / file)
    if sheet is None or sheet.names is None:
        return None
    named = _named(sheet.names)
    start = _column(sheet.names, _STARTS)
    end = _column(sheet.names, _ENDS)
    if start is None or end is None or "label" not in named:
        return None
    columns = {"start": sheet.names[start], "end": sheet.names[end], **named}
    starts, ends = sheet.numbers(start), sheet.numbers(end)
    labels = sheet.columns[sheet.names.index(named["label"])]
    renamed = {here: there for here, there in columns.items() if here != there}
    subjects = sheet.columns[sheet.names.index(named["subject"])] if "subject" in named else ()
    if starts is None or ends is None:
        lengths = _between_dates(sheet, start, end)
        return StretchesTable(renamed, "iso8601", labels, sheet.names, True, lengths, subjects, sheet.encoding)
    import numpy as np

    spans, largest = ends - starts, float(np.nanmax(ends))
    unit = _unit(sheet.names[start], float(np.nanmedian(spans)), largest)
    per = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
    seconds = [float(each) / per for each in spans if each > 0]
    epoch = largest / per > _EPOCH
    return StretchesTable(renamed, unit, labels, sheet.names, epoch, seconds, subjects, sheet.encoding)


def _between_dates(sheet: Sheet, start: int, end: int) -> list[float]:
    """Return the seconds from each start to its end; nothing where these are no dates."""
    try:
        pairs = [
            (datetime.fromisoformat(one), datetime.fromisoformat(other))
            for one, other in zip(sheet.columns[start], sheet.columns[end], strict=True)
        ]
        return [(after - before).total_seconds() for before, after in pairs if after > before]
    except (ValueError, TypeError):
        return []


def codes_table(path: Path, codes: frozenset[str]) -> dict[str, str]:
    """Read what codes mean, from lines such as ``1 WALKING`` or ``A01,sit down``; empty where a file does not say."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            lines = [line.strip() for line, _ in zip(file, range(_MOST_CODES), strict=False) if line.strip()]
    except OSError:
        return {}
    found = {}
    for line in lines:
        match = re.fullmatch(r'"?([\w-]+)"?\s*[,;:=\t .)]\s*"?(.*?[^\W\d_].*?)"?', line)
        if match is not None:
            found[_code(match[1], codes)] = match[2]
    known = {code: name for code, name in found.items() if code in codes}
    return known if len(known) == len(codes) and len({*known.values()}) > 1 else {}


def _code(text: str, codes: frozenset[str]) -> str:
    bare = plain(text)
    stripped = plain(re.sub(r"^\D+", "", text))
    return bare if bare in codes or not stripped else stripped


def _sheet(path: Path) -> Sheet | None:
    try:
        return read_sheet(path, "csv")
    except (BrokenFileError, OSError):  # described as a stream, it says why
        return None


def _named(names: Sequence[str]) -> dict[str, str]:
    """Return which columns are subject, label and so on, by the stages file's names."""
    wanted = {
        "id": {"id"},
        "subject": {word for word, score in PREFIXES["subject"].items() if score >= 3} - {"part", "sid"},
        "label": _LABELS,
        **_OTHERS,
    }
    found: dict[str, str] = {}
    for here, words in wanted.items():
        at = next((at for at, name in enumerate(names) if name.lower() == here), None)
        at = _column(names, words) if at is None and here != "id" else at
        if at is not None and names[at] not in found.values():
            found[here] = names[at]
    return found


def _column(names: Sequence[str], words: set[str]) -> int | None:
    return next((at for at, name in enumerate(names) if {*words_of(name)} & words), None)


def _unit(name: str, length: float, largest: float) -> str:
    words = {*words_of(name)}
    for unit, known in (("ms", {"ms", "msec", "millis"}), ("ns", {"ns", "nanos"}), ("s", {"s", "sec", "seconds"})):
        if words & known:
            return unit
    for unit, per in (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
        if _EPOCH < largest / per < 4.1e9:
            return unit
    return "ms" if length > 500 and largest == int(largest) else "s"
