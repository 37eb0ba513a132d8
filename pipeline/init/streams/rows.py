"""Streams whose files are arrays of recordings: samples beside arrays that say who is in each one, and what is done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.init.look.arrays import Shapes, shapes_of
from pipeline.init.look.files import DataFile
from pipeline.init.names.groups import Group
from pipeline.init.names.words import words_of
from pipeline.init.streams.array import describe_rows
from pipeline.init.streams.found import StreamFound
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.listing.patterns import escaped
from pipeline.sources.folder.params import Format, RowColumn

_SAMPLES = {"x", "data", "input", "inputs", "feature", "features", "window", "windows", "signal", "signals", "samples"}
_ROLES = {
    "label": {"y", "label", "labels", "target", "targets", "activity", "activities", "action", "actions", "class",
              "classes"},
    "subject": {"subject", "subjects", "subj", "sub", "participant", "participants", "person", "persons", "user",
                "users", "pid", "sid", "group", "groups"},
}  # fmt: skip
_KNOWN = _SAMPLES.union(*_ROLES.values())
_ARRAYS: tuple[Format, ...] = ("npy", "npz", "mat", "hdf5")
_SET = re.compile(r"(?:(?<![A-Za-z])|(?<=[XYxy]))(?i:training|train|testing|test|validation|valid|val)(?![a-z])")
_MOST_FILES = 40
_FEWEST_AXES = 3  # of samples: recordings, time, channels


@dataclass
class RowsFound:
    """Arrays of recordings.

    Attributes
    ----------
    patterns
        Of the files of each stream, by its group.
    columns
        Where the values of `source.rows` stand.
    labels
        What the arrays say, of each recording.
    sets
        The parts of a data set that names of files tell apart, ``train`` and ``test``; none where there is one alone.
    left_out
        Arrays that are of no use, and why.
    """

    streams: list[StreamFound] = field(default_factory=list)
    patterns: dict[Group, str] = field(default_factory=dict)
    columns: dict[str, str | dict[str, str]] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    sets: Sequence[str] = ()
    left_out: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Array:
    """An array: its file's path with ``\\0`` for the set, and by set the files and their shapes."""

    path: str
    kind: Format
    key: str
    files: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def words(self) -> list[str]:
        """Return what its name is made of."""
        return words_of(self.key or self.path.rpartition("/")[2].rpartition(".")[0])

    @property
    def first(self) -> str:
        """Return the first file."""
        return next(iter(self.files.values()))

    @property
    def is_samples(self) -> bool:
        """Tell whether it may have recordings."""
        return all(len(shape) >= _FEWEST_AXES for shape in self.shapes.values())

    def counts(self) -> dict[str, int]:
        """Return how many recordings, or values, each set has."""
        return {each: shape[0] if self.is_samples else max(shape) for each, shape in self.shapes.items()}

    def says(self, role: str) -> bool:
        """Tell whether it has a value for each of some recordings, and of which kind by its name."""
        vectors = all(sum(size != 1 for size in shape) == 1 for shape in self.shapes.values())
        return vectors and bool(_ROLES[role] & {*self.words})

    def pattern(self) -> str:
        """Write which files have it."""
        return escaped(self.path).replace("\0", "{set}" if len(self.files) > 1 else escaped(next(iter(self.files))))


def rows_of(root: Path, files: Sequence[DataFile]) -> RowsFound | None:
    """Find arrays of recordings, by their names and shapes; None where there are none.

    Raises
    ------
    ConfigError
        There are recordings with their classes, but no array says who is in them, or sets are not files of their own.
    """
    found = RowsFound()
    arrays = _arrays(root, [each for each in files if each.kind in _ARRAYS], found.left_out)
    labels = [each for each in arrays if each.says("label")]
    samples = [each for each in arrays if each.is_samples and _SAMPLES & {*each.words}]
    samples = samples or [each for each in arrays if each.is_samples]
    first = next((each for each in samples if any(each.counts() == one.counts() for one in labels)), None)
    if first is None:
        return None
    _check_sets(root, [first, *labels])
    label, subject = (_column(role, first, arrays, found) for role in _ROLES)
    if label is None or (subject is None and len(samples) > 1):  # recordings in files of their own, with such beside
        return None
    if subject is None:
        raise _nobody(root, first)
    for role, array in (("label", label), ("subject", subject)):
        files_of = {} if array.files == first.files else {"files": array.pattern()}
        column = {**files_of, **({"key": array.key} if array.key else {})}
        found.columns[role] = column["files"] if [*column] == ["files"] else column
    found.labels = [value for path in label.files.values() for value in _values(root / path, label.key)]
    found.sets = [*first.files] if len(first.files) > 1 else ()
    for each in (each for each in arrays if each.is_samples):
        try:
            if each.counts() != first.counts():
                raise BrokenFileError(f"has other numbers of recordings than {first.first}")
            group = Group(each.kind, "", [*each.files.values()], [])
            name = "-".join(word for word in each.words if word not in _KNOWN)
            alone = not each.key or sum(other.files == each.files for other in arrays) == 1
            found.streams.append(describe_rows(root, group, each.key, [*each.shapes.values()], name, alone=alone))
            found.patterns[group] = each.pattern()
        except BrokenFileError as error:
            found.left_out.append((each.first, str(error)))
    return found if found.streams else None


def _arrays(root: Path, files: Sequence[DataFile], broken: list[tuple[str, str]]) -> list[_Array]:
    """Return the arrays of files, of which those whose names differ in the set alone are one; none of many files."""
    named: dict[tuple[str, Format], dict[str, str]] = {}
    for each in files:
        place, chosen = _place_and_set(each.path)
        named.setdefault((place, each.kind), {})[chosen] = each.path
    found: dict[tuple[str, str], _Array] = {}
    for (place, kind), paths in named.items() if len(named) <= _MOST_FILES else ():
        for chosen, path in paths.items():
            for key, shape in _shapes(root / path, path, kind, broken).items():
                array = found.setdefault((place, key), _Array(place, kind, key))
                array.files[chosen], array.shapes[chosen] = path, shape
    return [each for each in found.values() if all(shape and min(shape) > 0 for shape in each.shapes.values())]


def _place_and_set(path: str) -> tuple[str, str]:
    """Return a path with ``\\0`` wherever it names its set, and the set; of a path that names none, nothing."""
    *_, chosen = "", *_SET.findall(path)

    def hidden(match: re.Match[str]) -> str:
        return "\0" if match[0] == chosen else match[0]

    return _SET.sub(hidden, path), chosen


def _shapes(path: Path, name: str, kind: Format, broken: list[tuple[str, str]]) -> Shapes:
    try:
        return shapes_of(path, kind, text=True)
    except BrokenFileError as error:
        broken.append((name, str(error)))
    except OSError as error:
        broken.append((name, f"cannot be read: {error.strerror}"))
    return {}


def _column(role: str, samples: _Array, arrays: Sequence[_Array], found: RowsFound) -> _Array | None:
    """Return the array that says something of each recording; others that could are left out, and told."""
    able = [each for each in arrays if each.says(role) and each.counts() == samples.counts()]
    for other in able[1:]:
        found.left_out.append((other.first, f"{able[0].key or able[0].first} is taken for the {role} of recordings"))
    return able[0] if able else None


def _values(path: Path, key: str) -> list[str]:
    from pipeline.sources.folder.reading.stack import read_column

    return read_column(path, RowColumn(key=key))


def _check_sets(root: Path, arrays: Sequence[_Array]) -> None:
    for each in arrays:
        if each.key and (match := _SET.search(each.key)):
            raise ConfigError(
                f"{root / each.first}: has the array {each.key}: `rows` tells sets apart by files, not by arrays\n"
                f"  save a file for each set, as {match[0]}.npz with arrays X, y and subject"
            )


def _nobody(root: Path, samples: _Array) -> ConfigError:
    shape = " x ".join(map(str, next(iter(samples.shapes.values()))))
    count = next(iter(samples.counts().values()))
    where = "an array subject in that file" if samples.key else f"an array such as subject{Path(samples.first).suffix}"
    return ConfigError(
        f"{root / samples.first}: has recordings ({shape}), but no array says who is in each of them\n"
        f"  save {where}, with a value for each of the {count}; where that is not known, number the recordings"
    )
