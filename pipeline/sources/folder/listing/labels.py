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

    def of(self, label: str) -> tuple[str | None, str]:
        """Return a label's class and nothing; None for what is left out; and None and the reason where it has none."""
        code = plain(label)
        if code in self._map:
            return self._map[code], ""
        if code in self._classes:
            return self._classes[code], ""
        close = get_close_matches(code, self._classes, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        return None, f"label {label!r} is no class; {hint}add it to `classes`, or to `labels` (null leaves it out)"
