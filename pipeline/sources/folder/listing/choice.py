"""Which recordings an experiment takes, by their columns: ``only`` and ``without`` of the stages file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from pipeline.errors import ConfigError
from pipeline.formatting import shortened
from pipeline.sources.base import Recording
from pipeline.sources.folder.listing.labels import Labels
from pipeline.sources.folder.listing.patterns import plain
from pipeline.sources.folder.natural_order import natural
from pipeline.sources.folder.params import Params, Where


class Choice:
    """Decides by what is known: of a row before its files are looked into, and of a recording.

    Attributes
    ----------
    used
        Whether there is anything to choose by.
    """

    def __init__(self, params: Params, labels: Labels) -> None:
        self._labels = labels
        self._keys = {"only": _texts(params.only), "without": _texts(params.without)}
        self.used = any(self._keys.values())
        segments = params.segments
        within = [] if segments is None else [*segments.apart]
        if segments is not None and (segments.files or segments.label is not None):
            within.append("label")
        # columns that a row may not have yet
        self._unsure = {"id", *params.row_columns, *within}
        self._there: dict[str, set[str]] = {}

    def may_take(self, columns: Mapping[str, str]) -> bool:
        """Tell whether recordings of a row can be taken, by those columns that it has."""
        if not self.used:
            return True
        known = {name: self._value(name, text) for name, text in columns.items() if text and name not in self._unsure}
        return self._fits(known, only_known=True)

    def takes(self, recording: Recording) -> bool:
        """Tell whether a recording is taken."""
        return not self.used or self._fits(columns_of(recording), only_known=False)

    def check(self, found: bool) -> None:
        """Raise ConfigError for a column or a value that no recording had so far, or where none was taken."""
        for key, where in self._keys.items():
            for column, values in where.items():
                there = self._there.get(column)
                if there is None:
                    raise ConfigError(f"source.{key}: no recording has a {column}\n  {_hint(column, self._there)}")
                for value in sorted(values - there):
                    problem = f"no recording has the {column} {value}"
                    raise ConfigError(f"source.{key}.{column}: {problem}\n  {_hint(value, there)}")

        if self.used and not found:
            raise ConfigError("source: no recording fits `only` and `without`\n  take a condition out")

    def _value(self, name: str, text: str) -> str:
        return (self._labels.of(text)[0] or text) if name == "label" else plain(text)

    def _fits(self, columns: Mapping[str, str], *, only_known: bool) -> bool:
        for name, value in columns.items():
            self._there.setdefault(name, set()).add(value)
        only, without = self._keys["only"], self._keys["without"]
        wanted = [name for name in only if name in columns] if only_known else only
        if not all(columns.get(name) in only[name] for name in wanted):
            return False
        return not without or not all(columns.get(name) in values for name, values in without.items())


def columns_of(recording: Recording) -> dict[str, str]:
    """Return what a recording is chosen by, as protocols call it."""
    own = {
        "id": recording.id, "subject": recording.subject, "label": recording.action, "session": recording.session,
        "scene": recording.scene, "view": recording.view,
    }  # fmt: skip
    return {**{name: value for name, value in own.items() if value is not None}, **recording.columns}


def _texts(where: Where | None) -> dict[str, frozenset[str]]:
    return {
        name: frozenset(plain(str(value)) for value in (values if isinstance(values, tuple) else (values,)))
        for name, values in (where or {}).items()
    }


def _hint(name: str, there: Iterable[str]) -> str:
    known = sorted(there, key=natural)
    close = get_close_matches(name, known, 1)
    return f"{f'did you mean {close[0]}? ' if close else ''}there are: {', '.join(shortened(known, 12))}"
