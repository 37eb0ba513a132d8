"""Figures and the report are those of the command."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import pipeline

from ..project import Project


def test_figures_are_those_that_the_command_writes(
    done: Project, experiment: pipeline.Experiment, tmp_path: Path
) -> None:
    done.command("report", "-o", str(tmp_path / "page.html"), "--svg", str(tmp_path / "svg"))
    written = {path.stem: path.read_text() for path in (tmp_path / "svg").glob("*.svg")}
    figures = experiment.figures()
    assert {name: figure.svg + "\n" for name, figure in figures.items()} == written
    for name, figure in figures.items():
        assert figure._repr_svg_().startswith("<svg"), name
        assert figure.title
    assert all(name in repr(figures) for name in figures)
    figures["top1"].save(tmp_path / "top1.svg")
    assert (tmp_path / "top1.svg").read_text() == figures["top1"].svg


def test_a_confusion_matrix_has_its_numbers(experiment: pipeline.Experiment) -> None:
    counted = {(row["True"], row["Predicted"]): row["Times"] for row in experiment.figures()["confusion-teacher"].table}
    assert counted == Counter((row["label"], row["predicted"]) for row in experiment.predictions("teacher"))


def test_the_report_is_the_commands(done: Project, experiment: pipeline.Experiment, tmp_path: Path) -> None:
    shown = experiment.report(tmp_path / "ours.html")
    page = (tmp_path / "ours.html").read_text()
    assert "<title>" in page
    assert "distilled" in page
    assert shown.path == tmp_path / "ours.html"
    assert shown._repr_html_().startswith("<iframe")
    with pytest.raises(pipeline.ConfigError):
        experiment.report(tmp_path / "nowhere" / "page.html")


def test_figures_of_runs(project: Project) -> None:
    opened = pipeline.open(project.file).run()
    assert [*opened.figures(1)]
    assert "run 1" in opened.report(project.folder / "one.html", 1).path.read_text()
