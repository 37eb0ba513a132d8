"""Rows with named columns, shown as a table; a DataFrame where pandas is there."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError
from pipeline.formatting import cut
from pipeline.report.formats.text_table import table

if TYPE_CHECKING:
    import pandas

_SHOWN = 20  # rows, of which a long table shows the first
_WIDEST = 100  # characters of a cell


class Table(list[dict[str, Any]]):
    """A list of rows, each a dict from column to value; ``pandas.DataFrame(table)`` and `to_pandas` are the same.

    Attributes
    ----------
    notes : list of str
        What is to be known of the rows, shown below them.
    """

    def __init__(self, rows: Iterable[dict[str, Any]] = (), notes: Iterable[str] = ()) -> None:
        super().__init__(rows)
        self.notes = list(notes)

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        return list(dict.fromkeys(name for row in self for name in row))

    def to_pandas(self) -> pandas.DataFrame:
        """Return a DataFrame; ConfigError where pandas is not installed."""
        try:
            import pandas
        except ImportError:
            raise ConfigError("pandas is not installed\n  pip install 'harvest-har[notebook]'") from None
        return pandas.DataFrame(list(self), columns=self.columns)

    def __repr__(self) -> str:
        if not self:
            return "\n".join(["no rows", *self.notes])
        numeric = [
            place
            for place, name in enumerate(self.columns)
            if all(isinstance(row.get(name), (int, float, type(None))) for row in self)
        ]
        text = table(self.columns, self._cells(), right=numeric)
        return "\n".join([text, *self._more()])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in self._cells())
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        more = "".join(f"<p>{escape(line)}</p>" for line in self._more())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"

    def _cells(self) -> list[list[str]]:
        return [[_text(row.get(name)) for name in self.columns] for row in self[:_SHOWN]]

    def _more(self) -> list[str]:
        more = [f"and {len(self) - _SHOWN} more rows"] if len(self) > _SHOWN else []
        return [*more, *self.notes]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1 else f"{value:.2f}"
    return cut(", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value), _WIDEST)
