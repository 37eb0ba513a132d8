"""The report shows what models cost to run, where that was measured on this machine before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.report.html.gather.outcome import outcome_of
from pipeline.report.html.gather.report import gather
from pipeline.report.html.page import write_page
from pipeline.report.html.sections.order import sections_of
from pipeline.report.inference.kept import FileCost, Machine, ModelCost, cost_file, keep_cost, kept_cost, this_machine
from pipeline.report.inference.rows import CostRow, trained_models
from pipeline.report.inference.sheet import cost_notes

from .html_reading import Element, read, table_rows

HERE = this_machine()
FILE = FileCost(bytes=148_193, p50_ms=0.1711, p99_ms=12.34, peak_bytes=14_700_000, calls=200, recordings=10, waited=0.0)
COST = ModelCost(
    exporter="", machine=HERE or Machine("", ""), parameters=33_460, multiply_adds=440_816, fp32=FILE,
    int8=msgspec.structs.replace(FILE, bytes=72_847, p50_ms=1.5), int8_points=0.5,
)  # fmt: skip


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was measured yet."""
    assert HERE is not None
    monkeypatch.setenv("PIPELINE_CACHE", str(tmp_path / "cache"))


def key_of(plan: Any, entry: str) -> str:
    return str(next(model.step.key for model in trained_models(plan) if model.label["model"] == entry))


def cost_section(plan: Any) -> Element:
    report = gather([outcome_of("stages.yaml", plan)])
    (section,) = read(write_page(report, sections_of(report))).all("section", id="cost")
    return section


def test_figures_of_each_file_stand_in_a_table(finished: Any) -> None:
    plan = finished.plan()
    keep_cost(key_of(plan, "student"), COST)
    section = cost_section(plan)
    shown = [[cell.text for cell in row] for row in table_rows(section, "Cost of running")]
    assert shown == [
        ["student", "fp32", "440,816", "148", "0.17", "12.3", "14.7", "–"],
        ["student", "int8", "440,816", "73", "1.50", "12.3", "14.7", "0.50"],
    ]
    assert [each.text for each in section.all("h3")] == ["Size and time", "Cost of running"]
    assert "Top-1 by time for one recording" in [each.text for each in section.all("figcaption")]
    assert str(HERE) in section.text
    assert "too long" not in section.text


@pytest.mark.parametrize("other", [{"cpu": "another processor"}, {"onnxruntime": "0.1"}, {"threads": 4}])
def test_figures_of_another_machine_are_not_shown(finished: Any, other: dict[str, Any]) -> None:
    plan = finished.plan()
    machine = msgspec.structs.replace(COST.machine, **other)
    keep_cost(key_of(plan, "student"), msgspec.structs.replace(COST, machine=machine))
    section = cost_section(plan)
    assert "pipeline results --cost measures what models cost to run" in section.text
    assert "Cost of running" not in [each.text for each in section.all("h3")]


def test_figures_taken_while_other_work_ran_are_told_and_can_be_taken_again(finished: Any) -> None:
    plan = finished.plan()
    key = key_of(plan, "student")
    disturbed = msgspec.structs.replace(COST, int8=msgspec.structs.replace(FILE, waited=0.4))
    keep_cost(key, disturbed)
    assert "Other work ran beside while student was measured: times are too long." in cost_section(plan).text
    (model,) = [each for each in trained_models(plan) if each.label["model"] == "student"]
    assert cost_notes([CostRow(model, 1, COST)]) == []
    said = cost_notes([CostRow(model, 1, disturbed)])
    assert said == [
        "note: other work ran beside, and times are too long, of student; to measure again, take away",
        f"  {cost_file(key, COST.machine)}",
    ]
    Path(said[-1].strip()).unlink()
    assert kept_cost(key) is None


def test_int8_that_export_refuses_is_told(finished: Any) -> None:
    (model, *_) = trained_models(finished.plan())
    said = cost_notes([CostRow(model, 1, msgspec.structs.replace(COST, int8_points=3.125))])
    refused = "`pipeline export` refuses it without --most-points"
    assert said == [f"note: int8 costs teacher 3.12 points of top-1: {refused}"]
