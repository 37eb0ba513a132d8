"""Results as text: one line a row, and what a reader must know of it."""

from __future__ import annotations

from pipeline.report.formats.text_table import table
from pipeline.report.results_text import missing_evaluations


def test_a_line_break_in_a_name_makes_no_line() -> None:
    text = table(["subject", "top-1 %"], [["a\nover seeds  99.99", "25.00"], ["b", "50.00"]])
    assert len(text.split("\n")) == 4
    assert "a\\nover seeds" in text


def test_evaluations_that_are_gone_are_counted() -> None:
    assert missing_evaluations(["cached", "remote"]) == []
    (note,) = missing_evaluations(["cached", "todo", "partial"])
    assert note.startswith("note: 2 of 3 evaluations are not there")
