"""Results as text: one line a row, and what a reader must know of it."""

from __future__ import annotations

from pipeline.report.formats.text_table import table
from pipeline.report.results import Difference, Row
from pipeline.report.results_text import difference_lines, missing_evaluations


def test_a_line_break_in_a_name_makes_no_line() -> None:
    text = table(["subject", "top-1 %"], [["a\nover seeds  99.99", "25.00"], ["b", "50.00"]])
    assert len(text.split("\n")) == 4
    assert "a\\nover seeds" in text


def test_evaluations_that_are_gone_are_counted() -> None:
    assert missing_evaluations(["cached", "remote"]) == []
    (note,) = missing_evaluations(["cached", "todo", "partial"])
    assert note.startswith("note: 2 of 3 evaluations are not there")


def test_no_difference_is_minus_nothing() -> None:
    row = Row("distilled", "sample", "loso", ("inertial",), "top1", (50.0, 50.0), (0, 1), 1)
    (line,) = difference_lines([Difference(row, "student", -0.001, -1.0, 0.004, 2)], [row])
    assert "+0.00 points" in line
    assert "-1.00 to +0.00" in line
