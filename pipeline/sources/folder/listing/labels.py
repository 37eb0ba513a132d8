"""From what files and tables call a class to the class."""

from __future__ import annotations

from difflib import get_close_matches

from pipeline.sources.folder.listing.patterns import plain
from pipeline.sources.folder.params import Params


class Labels:
    """Knows the class of each label: ``labels`` of the stages file, else the label itself."""

    def __init__(self, params: Params) -> None:
        self._classes = {plain(name): name for name in params.classes}
        self._map = {plain(str(code)): name for code, name in params.labels.items()}
        named = [*self._map.values()]
        self._alone = {code: name for code, name in self._map.items() if name is not None and named.count(name) == 1}

    def canonical(self, label: str) -> str:
        """Return how a label is compared: as its class, where no other label is joined to that."""
        code = plain(label)
        return self._alone.get(code, code)

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
