"""Curves of validation: beside the training's, dashed, with the best epochs marked, in the table and its file."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.report.html.files import write_tables
from pipeline.report.html.gather.report import Report
from pipeline.report.html.gather.training import Curve
from pipeline.report.html.parts import Section, pictures_of
from pipeline.report.html.sections.training import training

from .made_up import made_up

LOSS = Curve([3.0, 1.5, 2.0], [2.5, 1.0, 1.5], [3.5, 2.0, 2.5])
ACCURACY = Curve([20.0, 60.0, 50.0], [10.0, 50.0, 40.0], [30.0, 70.0, 60.0])


@pytest.fixture
def report() -> Report:
    """Two models, of which the first has recordings set apart."""
    plain = made_up(models=2, epochs=3)
    validated = replace(plain.trainings[0], validation_loss=LOSS, validation_accuracy=ACCURACY, best=[2, 3, 2, 8])
    return replace(plain, trainings={**plain.trainings, 0: validated})


def section_of(report: Report) -> Section:
    section = training(report)
    assert section is not None
    return section


def test_the_curve_is_beside_the_trainings(report: Report) -> None:
    loss, accuracy = pictures_of(section_of(report))
    assert loss.title == "Loss on the training side and on validation by epoch"
    for picture, last in ((loss, "2 on validation"), (accuracy, "50 % on validation")):
        assert picture.svg.count('class="curve dashed l0"') == 1
        assert "dashed l1" not in picture.svg
        assert picture.svg.count('class="best l0"') == 2
        assert f"{last} after 3 epochs" in picture.svg


def test_the_table_and_its_file_have_it(report: Report, tmp_path: Path) -> None:
    write_tables(tmp_path, [section_of(report)])
    with (tmp_path / "training.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    names = ("Last validation loss", "Last validation accuracy %", "Best epoch on validation")
    assert [first[name] for name in names] == ["2.0", "50.0", "2, 3, 8"]
    assert [second[name] for name in names] == ["", "", ""]


def test_without_any_the_section_is_as_it_was() -> None:
    section = section_of(made_up(models=2, epochs=3))
    assert all("alidation" not in picture.title and "dashed" not in picture.svg for picture in pictures_of(section))
    assert "alidation" not in section.lead
