"""``pipeline report RUN RUN``: runs that are remembered, side by side in one page."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from ..project import Project
from ..report.html.html_reading import Element, read, table_rows
from .variants import SETTINGS, adopted

METRICS = {"top1": "Top-1 %", "macro_f1": "Macro F1 %"}


@pytest.fixture
def copy(variants: Project, tmp_path: Path) -> Project:
    """A copy at another path, which knows the runs as its own."""
    return adopted(variants.copy(tmp_path / "copy"))


def page_of(project: Project, page: Path, *arguments: str) -> Element:
    project.command("report", "-o", str(page), *arguments)
    return read(page.read_text())


def header(page: Element, name: str) -> list[str]:
    (region,) = [each for each in page.all("div", role="region") if each.attributes["aria-label"] == name]
    return [each.text for each in region.all("thead")[0].all("th")]


def figures(page: Element) -> dict[tuple[str, str, str], float | None]:
    """Return what the table of results has, by run, model and metric."""
    names = header(page, "All models")
    found = {}
    for cells in table_rows(page, "All models"):
        row = dict(zip(names, cells, strict=True))
        for metric, title in METRICS.items():
            value = row[title].attributes.get("data-v")
            found[row["Run"].text, row["Model"].text, metric] = None if value is None else float(value)
    return found


def results(project: Project, *runs: str) -> dict[tuple[str, str, str], float | None]:
    rows = json.loads(project.command("results", *runs, "--json").stdout)
    return {(row["run"], row["model"], row["metric"]): row["mean"] for row in rows}


def test_figures_are_those_of_results_with_what_differs_in_front(variants: Project, tmp_path: Path) -> None:
    page = page_of(variants, tmp_path / "runs.html", "1", "2", "3", "--csv", str(tmp_path / "csv"))
    assert header(page, "All models")[:4] == ["Run", "epochs", "lr", "Model"]
    assert figures(page) == results(variants, "1", "2", "3")
    front = {(row[0].text, row[3].text): [cell.text for cell in row[1:3]] for row in table_rows(page, "All models")}
    assert {run: shown for (run, model), shown in front.items() if model == "student"} == {
        "1": ["1", "0.01"],
        "2": ["1", "0.02"],
        "3": ["2", "unset"],
    }
    others = [shown for (_, model), shown in front.items() if model != "student"]
    assert others == [["–", "–"]] * 6  # a setting of the student is not about these
    with (tmp_path / "csv" / "results.csv").open() as lines:
        found = {(line["Run"], line["Model"]): line["lr"] for line in csv.DictReader(lines)}
    assert found == {model: shown[1].replace("–", "") for model, shown in front.items()}
    sections = {each.attributes["id"] for each in page.all("section")}
    assert {"confusion", "classes", "subjects", "training", "cost", "entries", "provenance"} <= sections
    for setting in SETTINGS:
        assert setting in page.all("header")[0].text


@pytest.mark.parametrize("named", [("2",), ("--set", SETTINGS[1])])
def test_the_head_of_a_trial_says_its_settings(variants: Project, tmp_path: Path, named: tuple[str, ...]) -> None:
    store = f"store={variants.store}"  # where things are makes no trial
    header = page_of(variants, tmp_path / "trial.html", *named, "--set", store).all("header")[0]
    (said,) = header.all("p", **{"class": "asked"})
    assert [code.text for code in said.all("code")] == [f"--set {SETTINGS[1]}"]
    assert said.text.startswith("run 2, " if named == ("2",) else "stages.yaml: ")


def test_the_head_of_the_stages_file_as_it_stands_says_none(variants: Project, tmp_path: Path) -> None:
    header = page_of(variants, tmp_path / "plain.html").all("header")[0]
    assert header.all("p", **{"class": "asked"}) == []


def test_why_a_gain_is_not_shown(variants: Project, tmp_path: Path) -> None:
    said = "distilled and student differ in fit.lr: no difference is shown"
    page = page_of(variants, tmp_path / "runs.html", "1", "3")
    assert f"run 1: {said}" in page.text
    assert "run 3: distilled and student differ in fit.epochs: no difference is shown" in page.text
    assert said in page_of(variants, tmp_path / "one.html", "1").text
    lines = variants.command("results", "1", "2").stdout.splitlines()
    assert [line for line in lines if "differ in" in line] == [f"run {run}: {said}" for run in "12"]
    assert said in variants.command("results", "--set", SETTINGS[0]).stdout
    plain = variants.command("results").stdout
    assert "distilled and student have one seed in common" in plain


def test_a_model_that_runs_share_is_one_with_one_mark(variants: Project, tmp_path: Path) -> None:
    page = page_of(variants, tmp_path / "runs.html", "1", "2", "3")
    titles = [option.attributes["value"] for option in page.all("datalist")[0].all("option")]
    assert titles == ["teacher", "student, run 1", "distilled", "student, run 2", "student, run 3"]
    assert "5 models." in page.all("header")[0].text
    assert len(table_rows(page, "All models")) == 9  # of each run all
    assert "models with the highest top-1" not in page.text  # which are drawn where there are more than seven
    marks: dict[str, set[tuple[str, ...]]] = {}
    for name in ("g", "tr"):
        for each in page.all(name):
            kinds = {path.attributes.get("class", "") for path in each.all("path")}
            if "data-m" in each.attributes and (own := tuple(kind for kind in kinds if "mark" in kind)):
                marks.setdefault(each.attributes["data-m"], set()).add(own)
    assert sorted(marks) == ["0", "1", "2", "3", "4"]
    assert all(len(kinds) == 1 for kinds in marks.values()), marks
    assert len(set.union(*marks.values())) == 5


def test_one_run_is_shown_as_the_stages_file_would_be_with_its_settings(variants: Project, tmp_path: Path) -> None:
    one = page_of(variants, tmp_path / "one.html", "1")
    same = page_of(variants, tmp_path / "same.html", "--set", SETTINGS[0])
    for name in ("All models", "Accuracy by subject", "Accuracy by class", "Size and time"):
        shown, expected = ([[cell.text for cell in row] for row in table_rows(page, name)] for page in (one, same))
        assert shown == expected, name
    recordings = "16 recordings of 2 subjects, 8 classes. 3 models."
    assert recordings in one.all("header")[0].text
    assert recordings in same.all("header")[0].text


def test_of_what_is_gone_figures_are_missing_and_it_is_said(copy: Project, tmp_path: Path) -> None:
    copy.file.write_text(copy.file.read_text().replace("student:", "pupil:").replace("- student", "- pupil"))
    plan = copy.plan(("stages.pupil.fit.lr", 0.02))
    lost = next(step for id_, step in plan.steps.items() if id_.startswith("evaluate[pupil"))
    copy.remove("evaluate", lost.key)
    page = page_of(copy, tmp_path / "runs.html", "2", "1")
    assert "run 2: 1 of 9 outputs are not in this store." in page.all("header")[0].text
    assert "student, run 2 (0 of 1)" in page.text
    found, expected = figures(page), results(copy, "2", "1")
    assert found["2", "student", "top1"] is None
    assert {key: value for key, value in found.items() if value is not None} == expected
    for index in (copy.store / "outputs" / "index").iterdir():
        copy.remove("index", index.name)
    page = page_of(copy, tmp_path / "runs.html", "1")
    assert "its index is gone" in page.text
    assert {("1", *key[1:]): value for key, value in results(copy, "1").items()} == {
        ("1", row[0].text.strip(), metric): float(row[at].attributes["data-v"])
        for row in table_rows(page, "All models")
        for metric, at in (("top1", 1), ("macro_f1", 4))
    }


def test_runs_stand_beside_other_experiments(variants: Project, copy: Project, tmp_path: Path) -> None:
    files = ("-f", "stages.yaml", "-f", str(copy.file))
    said = variants.command("report", *files, "1", code=2).stderr
    assert f"say which: stages.yaml:1, {copy.file}:1" in said
    page = page_of(variants, tmp_path / "both.html", *files, f"{copy.file}:1")
    assert header(page, "All models")[0] == "Experiment"
    copy.command("runs", "keep", "2", "low")
    page = page_of(variants, tmp_path / "both.html", *files, "low", "stages.yaml:3", "stages.yaml:1")
    shown = list(dict.fromkeys(row[0].text for row in table_rows(page, "All models")))
    assert len(shown) == 3
    assert [each.rpartition("run ")[2] for each in shown] == ["3", "1", "low"]


def test_a_page_on_standard_output_is_the_page_and_nothing_else(variants: Project, tmp_path: Path) -> None:
    def untimed(page: str) -> str:
        return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", page)

    variants.command("report", "1", "-o", str(tmp_path / "page.html"))
    said = variants.command("report", "1", "-o", "-", "--csv", str(tmp_path / "csv"))
    assert untimed(said.stdout) == untimed((tmp_path / "page.html").read_text())
    assert f"tables in {tmp_path / 'csv'}" in said.stderr
    assert variants.command("report", "1", "-o", "-").stderr == ""
    assert not (variants.folder / "-").exists()
    assert "-o - and --watch exclude" in variants.command("report", "-o", "-", "--watch", code=2).stderr
    assert "`pipeline results --format latex`" in variants.command("report", "--latex", "-", code=2).stderr


def test_mistakes_are_told(variants: Project) -> None:
    assert "RUN 9: no such run of stages.yaml" in variants.command("report", "9", code=2).stderr
    assert "a run has its settings" in variants.command("report", "1", "--set", SETTINGS[0], code=2).stderr
    assert "RUN and --watch exclude each other" in variants.command("report", "1", "--watch", code=2).stderr
