"""From what files and tables call a class to the class."""

from __future__ import annotations

from difflib import get_close_matches

from pipeline.sources.folder.listing.patterns import plain
from pipeline.sources.folder.params import Params


class Labels:
    """Knows the class of each label: ``labels`` of the stages file, else the label itself.

    Attributes
    ----------
    joined
        Classes of which labels are kept apart: these are different activities, not spellings of one.
    """

    def __init__(self, params: Params) -> None:
        self._classes = {plain(name): name for name in params.classes}
        self._map = {plain(str(code)): name for code, name in params.labels.items()}
        self.joined: set[str] = set()

    def canonical(self, label: str) -> str:
        """Return how a label is compared: as its class, unless that joins several activities."""
        code = plain(label)
        name, _ = self.of(code)
        return code if name is None or name in self.joined else name

    def of(self, label: str) -> tuple[str | None, bool]:
        """Return a label's class, None for what is left out; and whether it is known, which the class is not else."""
        code = plain(label)
        name = self._map[code] if code in self._map else self._classes.get(code)
        return name, name is not None or code in self._map

    def unknown(self, label: str, count: int) -> str:
        """Say that a label has no class, and how many recordings have it."""
        close = get_close_matches(plain(label), self._classes, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        of = f" ({count} recordings)" if count > 1 else ""
        return f"label {label!r}{of} is no class; {hint}add it to `classes`, or to `labels` (null leaves it out)"
