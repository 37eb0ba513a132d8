"""A table of results as text and LaTeX have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Block(NamedTuple):
    """Lines of a table that belong together, below a title where it is not empty."""

    title: str
    lines: Sequence[Sequence[str]]


class Sheet(NamedTuple):
    """A table of results."""

    heading: str
    header: Sequence[str]
    blocks: Sequence[Block]
    left: int  # columns of words, before those of figures
