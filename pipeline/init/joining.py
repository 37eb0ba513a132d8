"""Streams whose files are to be one recording's: which share recordings, and why others do not."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from pipeline.errors import ConfigError
from pipeline.formatting import counted, shortened
from pipeline.init.classes import is_nothing
from pipeline.init.looked import Looked
from pipeline.init.names.agree import label_values
from pipeline.init.question import Question
from pipeline.sources.base import Recording
from pipeline.sources.folder.listing.patterns import Pattern, plain
from pipeline.sources.folder.natural_order import natural

BOTH = (
    "To use them together give files one spelling, or list the recordings in a table with their paths "
    "(docs/own-data.md, By hand)."
)
LABELS = "To use them together say under `labels` which are one class: `labels: {walking: walk}`."
Patterns = Mapping[str, Sequence[str]]


def without_prefixes(looked: Looked, patterns: Patterns) -> dict[str, list[str]]:
    """Take out of parts what one stream has before them and another has not: of ``subj-anna`` and ``anna``."""
    found = {name: [*some] for name, some in patterns.items()}
    for role in ("subject", "session") if len(found) > 1 else ():
        values = {name: _values(looked, patterns, name, role) for name in found}
        for name, own in values.items():
            prefix = os.path.commonprefix([*own])  # noqa: RUF071  (names, no paths)
            bare = {value.removeprefix(prefix) for value in own}
            others = [each for other, each in values.items() if other != name]
            if not prefix or "" in bare or any(own & each for each in others):
                continue
            if any(2 * len(bare & each) >= len(bare) for each in others):
                some = [each.replace(f"{{{role}}}", f"{prefix}{{{role}}}") for each in found[name]]
                found[name] = some if _fit_all(looked, name, some) else found[name]
    return found


def as_tables_say(looked: Looked, patterns: Patterns) -> dict[str, list[str]]:
    """Let a part be what a table of stretches calls it: ``P01``, where that of the files' names alone would be 1."""
    found = {name: [*some] for name, some in patterns.items()}
    said = {*map(plain, looked.stretches[1].subjects)} if looked.stretches is not None else set()
    for name, some in found.items() if said else ():
        if said & _values(looked, found, name, "subject"):
            continue
        whole = [re.sub(r"[^\W\d_]+[_-]?\d*\{subject(:d)?\}", "{subject}", each) for each in some]
        if said & _values(looked, {name: whole}, name, "subject") and _fit_all(looked, name, whole):
            found[name] = whole
    return found


def check_tables(looked: Looked, patterns: Patterns, tables: Sequence[str], whose: set[str]) -> None:
    """Look whether tables of stretches are about files that are there: ConfigError where they are of other subjects."""
    names = set[str]().union(*(_values(looked, patterns, name, "subject") for name in patterns))
    if whose and names and not whose & names:
        raise ConfigError(
            f"{looked.root / tables[0]}: is of no file's subject: tables have {_some(whose)}, names of files "
            f"{_some(names)}\n  give them one spelling; docs/own-data.md shows tables of stretches"
        )


def check_recordings(looked: Looked) -> None:
    """Look whether a table of recordings says whose each is, and tells them apart: ConfigError where it does not."""
    table = looked.table
    if table is None:
        return
    path = looked.root / table.file
    if "subject" not in table.columns:
        raise ConfigError(
            f"{path}: has no column that says who is in a recording "
            f"(it has {', '.join([*table.texts, *table.paths])})\n"
            "  add a column `subject`; where that is not known, give each recording a subject of its own"
        )
    lines = zip(table.labels, *table.texts.values(), strict=True)
    counts = Counter(line[1:] for line in lines if not is_nothing(line[0]))
    if "id" not in table.columns and (twice := next((line for line, count in counts.items() if count > 1), None)):
        raise ConfigError(
            f"{path}: has several lines that differ by their paths alone: {', '.join(filter(None, twice))}\n"
            "  add a column `id` with a name for each line, or `session`: 1, 2, ... of each subject and label"
        )


def sets_of(names: Sequence[str], recordings: Sequence[Recording]) -> list[list[str]]:
    """Return the sets of streams that share recordings with each other, that with the most recordings first."""
    sets: list[set[str]] = [{name} for name in names]
    for together in {frozenset(each.streams) for each in recordings}:
        touched = [each for each in sets if each & together]
        sets = [each for each in sets if not each & together] + ([set.union(*touched)] if touched else [])
    counts = [sum(bool(each & {*recording.streams}) for recording in recordings) for each in sets]
    ranked = sorted(range(len(sets)), key=lambda at: (-counts[at], -len(sets[at]), sorted(sets[at])))
    return [[name for name in names if name in sets[at]] for at in ranked]


def which_streams(looked: Looked, patterns: Patterns, recordings: Sequence[Recording]) -> list[Question]:
    """Ask which streams are used, where no recording has all."""
    first, *others = sets_of([*looked.streams], recordings)
    if not others:
        return []
    have = [first, *(some for some in others if any({*some} & {*each.streams} for each in recordings))]
    choices = tuple(
        (some, f"without {', '.join(name for name in looked.streams if name not in some)}") for some in have
    )
    left = [name for some in others for name in some]
    why = "; ".join(_why(looked, patterns, first[0], some[0]) for some in others)
    apart = f"no recording has {' or '.join(left)} beside {' and '.join(first)}: {why}"
    both = LABELS if why.startswith("labels") else BOTH
    return [Question("modalities", f"{apart}. Which are used?", choices, first, f"{apart}. {both}")]


def lacking(names: Sequence[str], recordings: Sequence[Recording]) -> list[str]:
    """Say which subjects have no recording with a stream that others of theirs have: they may be spelt otherwise."""
    subjects = {each.subject for each in recordings if {*names} & {*each.streams}}
    said = []
    for name in names:
        have = {each.subject for each in recordings if name in each.streams}
        if have and have < subjects:
            said.append(f"there is no {name} of subjects {_some(subjects - have)}")
    return said


def shared(names: Sequence[str], recordings: Sequence[Recording]) -> list[str]:
    """Say which streams' files are given whole to several recordings each."""
    said = []
    for name in names:
        have = [each for each in recordings if name in each.streams and each.start is None]
        files = {each.streams[name] for each in have}
        if len(files) < len(have):
            said.append(
                f"{name}: {counted(len(files), 'file')} for {counted(len(have), 'recording')}, "
                "of which each sees all of its file: a table with start and end would say which part is whose"
            )
    return said


def _why(looked: Looked, patterns: Patterns, one: str, other: str) -> str:
    for role in ("subject", "session", "label"):
        here, there = _values(looked, patterns, one, role), _values(looked, patterns, other, role)
        if here and there and not here & there:
            alike = {*map(str.casefold, here)} & {*map(str.casefold, there)}
            hint = ", in other capitals" if alike else ""
            return f"{role}s of {other} are {_some(there)}, of {one} {_some(here)}{hint}"
    return f"no file of {other} has the parts that one of {one} has"


def _values(looked: Looked, patterns: Patterns, name: str, role: str) -> set[str]:
    stream = looked.streams[name]
    paths = [path for group in (stream.group, *looked.several.get(name, [])) for path in group.paths]
    return {*label_values(patterns[name], paths, role)}


def _fit_all(looked: Looked, name: str, patterns: Sequence[str]) -> bool:
    compiled = [Pattern.parse(each) for each in patterns]
    stream = looked.streams[name]
    paths = [path for group in (stream.group, *looked.several.get(name, [])) for path in group.paths]
    return all(any(each.match(path) is not None for each in compiled) for path in paths)


def _some(values: set[str]) -> str:
    return ", ".join(shortened(sorted(values, key=natural), 6))
