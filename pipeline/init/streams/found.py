"""What was found out about one stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pipeline.init.names.groups import Group
from pipeline.init.question import Question
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.listing.segments import Stretch

Result = TypeVar("Result")
NOMINAL = {"series": 50.0, "skeleton": 30.0, "video": 30.0}  # Hz, where files say none
LONG_GAP = 0.5  # seconds
_LOOKED_AT = 5  # files


@dataclass
class StreamFound:
    """A stream, with its keys of the stages file but ``files``, and what is to be said of them.

    Attributes
    ----------
    name
        What it may be called; empty where nothing says.
    comments
        By key of `keys`, and under ``""`` for the stream.
    questions
        Whose keys are those of `keys`.
    facts
        In words, for the table.
    notes
        What is to be said on the terminal, too.
    seconds
        How long its files usually are, about; 0 where that is not known.
    gap, bursts
        The longest time without a sample, and the share of samples that have the time of the one before.
    label, who
        The columns of its files that say what is done, and who does it where a file has several people.
    labels, people
        What they say at the files' beginning.
    stretches
        Of one label and person each, by path, of the files that were read whole.
    """

    group: Group
    name: str
    keys: dict[str, Any]
    comments: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    facts: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    gap: float = 0.0
    bursts: float = 0.0
    label: str | int | None = None
    labels: Sequence[str] = ()
    who: str | int | None = None
    people: Sequence[str] = ()
    stretches: Mapping[str, Sequence[Stretch]] = field(default_factory=dict)
    epoch: bool = False
    channels: Sequence[str] = ()

    @property
    def kind(self) -> str:
        """Of its data: series, skeleton or video."""
        return str(self.keys.get("kind", "series"))

    @property
    def rate(self) -> float:
        """Nominal, in Hz."""
        return float(self.keys["rate"])


def some_of(root: Path, group: Group, count: int = _LOOKED_AT) -> list[Path]:
    """Return a few of a group's files, evenly spread."""
    paths = group.paths
    numbers = sorted({round(at * (len(paths) - 1) / max(1, count - 1)) for at in range(count)})
    return [root / paths[at] for at in numbers if at < len(paths)]


def read_some(paths: Sequence[Path], read: Callable[[Path], Result], most: int | None = None) -> list[Result]:
    """Read files, without those that cannot be read; no more than so many.

    Raises
    ------
    BrokenFileError
        None can; says why not.
    """
    found: list[Result] = []
    problem = BrokenFileError("has no samples")
    for path in paths:
        try:
            found.append(read(path))
        except BrokenFileError as error:
            problem = error
        except OSError as error:
            problem = BrokenFileError(f"cannot be read: {error.strerror}")
        if len(found) == most:
            break
    if not found:
        raise problem
    return found


def tidy(value: float) -> float | int:
    """Return a whole number as such."""
    return int(value) if value == int(value) else value
