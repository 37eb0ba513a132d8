"""Results as text: one line a row, and what a reader must know of it."""

from __future__ import annotations

from pipeline.plan.runs.baselines import Baseline
from pipeline.report.formats.text_table import table
from pipeline.report.results import Difference, Row
from pipeline.report.results_text import difference_lines, gain_lines, missing_evaluations


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


def figure(model: str, *seeds: int, metric: str = "top1") -> Row:
    values = tuple(50.0 + seed for seed in seeds)
    return Row(model, "sample", "loso", ("inertial",), metric, values, seeds, 1)


def gains(rows: list[Row], *differs: str) -> list[str]:
    return gain_lines(rows, {"distilled": Baseline("student", [*differs])}, rows)


def test_why_there_is_no_difference_is_said_once() -> None:
    rows = [figure(model, 0, 1, metric=metric) for model in ("student", "distilled") for metric in ("top1", "macro_f1")]
    assert gains(rows, "model.width", "fit.lr") == [
        "distilled and student differ in model.width, fit.lr: no paired difference"
    ]
    (line,) = gains(rows, *(f"fit.{number}" for number in range(9)))
    assert "and 6 more" in line


def test_a_difference_takes_two_seeds_in_common() -> None:
    (line,) = gains([figure("student", 0), figure("distilled", 0)])
    assert line == "distilled and student have one seed in common: no paired difference, which takes two"
    (line,) = gains([figure("student", 0, 1), figure("distilled", 2, 3)])
    assert "no seed in common" in line
    (line,) = gains([figure("student", 0, 1), figure("distilled", 0, 1, 2)])
    assert "paired over 2 seeds" in line


def test_nothing_is_said_of_what_has_no_figures() -> None:
    assert gains([figure("distilled", 0, 1)], "model.width") == []
