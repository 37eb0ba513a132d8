"""What a protocol looks at, and what it makes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from trainers.errors import TrainingError


class SplitError(TrainingError):
    """A protocol that does not go with the recordings.

    Attributes
    ----------
    key
        What of the protocol is wrong, such as ``test.subject[1]``; empty for all of it.
    """

    def __init__(self, key: str, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.key, self.problem, self.remedy = key, problem, remedy


class Trial(Protocol):
    """What a protocol looks at in one recording; any object with these attributes will do."""

    @property
    def id(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def session(self) -> str: ...
    @property
    def scene(self) -> str | None: ...
    @property
    def view(self) -> str | None: ...
    @property
    def columns(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Fold:
    """One split, named by value (``subject=3``), with the recordings' ids in the table's order."""

    name: str
    train: tuple[str, ...]
    test: tuple[str, ...]


def in_order(names: Collection[str]) -> list[str]:
    """Sort names; numbers as numbers and before words."""
    return sorted(names, key=lambda name: (0, int(name), name) if is_number(name) else (1, 0, name))


def is_number(name: str) -> bool:
    """Tell whether a name is a whole number."""
    return name.isascii() and name.isdigit()


def listed(names: Sequence[str]) -> str:
    """Write the first few of some names."""
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
