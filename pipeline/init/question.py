"""What only the person who made a folder knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """Something that is open, and what is taken where nobody is asked.

    Attributes
    ----------
    key
        Of the stages file: ``--set KEY=VALUE`` answers it.
    choices
        Values that it may have, with what each means; any other can be given, too.
    untold
        What is said of it, on the terminal and in the file, where nobody is asked; the question where left out.
    """

    key: str
    text: str
    choices: tuple[tuple[Any, str], ...]
    guess: Any
    untold: str = ""
