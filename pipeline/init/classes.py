"""Classes: from what names, tables and columns call them to their names in the stages file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.init.look.tables import codes_table
from pipeline.init.looked import Looked
from pipeline.sources.folder.listing.patterns import plain
from pipeline.sources.folder.natural_order import natural

_COPY = re.compile(r"([ _-]+copy|\s*\(\d+\))+$", re.IGNORECASE)  # what file managers add to a name
_NOTHING = {"null", "none", "unknown", "unlabelled", "unlabeled", "undefined", "transition", "transient", "nan", "n/a"}


@dataclass
class Classes:
    """Names of classes in order, what is called otherwise, and what is to be said of it."""

    names: list[str]
    labels: dict[str, str | None] = field(default_factory=dict)
    comment: str = ""
    numbers: str = ""  # to be said where classes are but numbers


def classes_of(labels: Iterable[str], root: Path, singles: Sequence[str]) -> Classes:
    """Find the classes of labels.

    Spellings that differ in capitals and separators alone are one class; what says that nothing is done is left out.

    Parameters
    ----------
    singles
        Files that may say what codes mean.
    """
    counts = Counter(plain(label) for label in labels if label.strip() and not _COPY.search(label))
    spellings: dict[str, list[str]] = {}
    for label, _ in counts.most_common():
        spellings.setdefault(re.sub(r"[\W_]+", "", label).casefold() or label, []).append(label)
    found = Classes([])
    for key, spelled in spellings.items():
        if is_nothing(key) and len(spellings) > 2:
            found.labels |= dict.fromkeys(spelled)
            found.comment = "null: left out"
            continue
        found.names.append(spelled[0])
        found.labels |= dict.fromkeys(spelled[1:], spelled[0])
    found.names.sort(key=natural)
    if found.names and all(name.isdigit() for name in found.names):
        found.numbers = 'numbers, as files have them; labels: {"1": walk} would give them names'
    for file in singles:
        if found.names and (meant := codes_table(root / file, frozenset(found.names))):
            found.labels = {**{code: meant[code] for code in found.names}, **found.labels}
            found.names = [*dict.fromkeys(meant[code] for code in found.names)]
            found.numbers = ""
            found.comment = f"what codes mean is said in {file}"
            break
    return found


def is_nothing(label: str) -> bool:
    """Tell whether a label says that nothing is done."""
    return label.casefold() in _NOTHING


def no_classes(looked: Looked, patterns: Mapping[str, Sequence[str]], names: Sequence[str]) -> ConfigError:
    """Say that names of files do not tell what is done, and where else it can be said."""
    what = f"only one class, {names[0]}" if names else "no part that says what is done in a recording"
    files = "; ".join(each for some in patterns.values() for each in some)
    if "{label" in files and not names:
        what = "numbers, of which none surely says what is done in a recording"
    seen = f", and nothing reads labels from files such as {looked.annotations[0]}" if looked.annotations else ""
    table = "a table recordings.csv with columns id, subject, label, or with the paths of files"
    stretches = "; or give such files columns start, end and label" if looked.annotations else ""
    return ConfigError(
        f"{looked.root}: names have {what} ({files}){seen}\n"
        "  write {label} where a path says it:\n"
        f"    --set 'source.streams.{next(iter(looked.streams))}.files=...'\n"
        f"  or list the recordings in {table} (docs/own-data.md){stretches}"
    )
