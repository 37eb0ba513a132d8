"""`pipeline report`: the files that it writes, and what it says where it cannot."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from pipeline.errors import ConfigError
from pipeline.report.html.files import as_csv, as_latex, standing_alone, write_pictures, write_tables
from pipeline.report.html.parts import pictures_of, tables_of
from pipeline.report.html.places import check_file, check_folder, write_files
from pipeline.report.html.sections.order import sections_of

from .made_up import HOSTILE, made_up


@pytest.mark.parametrize("name", ["model", HOSTILE])
def test_each_picture_is_an_svg_by_itself(name: str) -> None:
    pictures = [each for section in sections_of(made_up(name=name)) for each in pictures_of(section)]
    assert len(pictures) > 12
    for each in pictures:
        text = standing_alone(each)
        root = ElementTree.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert float(root.attrib["width"]) > 0
        assert "var(" not in text


def test_tables_have_all_rows_and_digits() -> None:
    report = made_up(models=20, recordings=300)
    tables = {each.name: each for section in sections_of(report) for each in tables_of(section)}
    rows = list(csv.DictReader(io.StringIO(as_csv(tables["results"]))))
    assert [float(row["Top-1 %"]) for row in rows] == [model.rows["top1"].mean for model in report.models]
    assert [float(row["Top-1 % deviation"]) for row in rows] == [model.rows["top1"].std for model in report.models]
    ends = [row["Top-1 % 95 % interval"].split(" to ") for row in rows]
    assert [(float(low), float(high)) for low, high in ends] == [m.rows["top1"].interval for m in report.models]
    assert len(list(csv.reader(io.StringIO(as_csv(tables["recordings-model"]))))) == 301


def test_a_column_of_numbers_has_nothing_where_a_figure_is_missing() -> None:
    tables = {each.name: each for section in sections_of(made_up(seeds=1)) for each in tables_of(section)}
    (first, *_) = csv.DictReader(io.StringIO(as_csv(tables["results"])))
    assert first["Top-1 % deviation"] == first["Top-1 % 95 % interval"] == ""
    for table in tables.values():
        header, *lines = csv.reader(io.StringIO(as_csv(table)))
        for at, column in enumerate(table.columns):
            if column.numeric and "interval" not in header[at]:
                [float(line[at]) for line in lines if line[at]]


def test_names_of_files_are_safe_and_different(tmp_path: Path) -> None:
    sections = [*sections_of(made_up(name="../../a")), *sections_of(made_up(name=HOSTILE + 40 * "ö"))]
    pictures, tables = write_pictures(tmp_path / "svg", sections), write_tables(tmp_path / "csv", sections)
    for ending, count in (("svg", pictures), ("csv", tables)):
        written = [each for each in (tmp_path / ending).iterdir() if each.name != ".pipeline-report"]
        assert len(written) == count
        assert {each.suffix for each in written} == {f".{ending}"}
    assert {each.name for each in tmp_path.iterdir()} == {"svg", "csv"}


def test_latex_is_escaped() -> None:
    text = as_latex(made_up(models=1, name="a_b & c%<"))
    assert r"a\_b \& c\%\textless{}-0" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    assert r"$\pm$" in text


class TestCommand:
    def test_writes_the_page_and_says_so(self, finished: Any, tmp_path: Path) -> None:
        page, latex = tmp_path / "out.html", tmp_path / "out.tex"
        folders = ["--svg", str(tmp_path / "svg"), "--csv", str(tmp_path / "csv")]
        for _ in range(2):  # what it wrote, it writes anew
            said = finished.command("report", "-o", str(page), "--latex", str(latex), *folders).stdout
        assert said.startswith(f"written: {page} (")
        assert page.read_text().startswith("<!doctype html>")
        assert "\\begin{tabular}" in latex.read_text()
        assert (tmp_path / "svg" / "top1.svg").is_file()
        assert (tmp_path / "csv" / "results.csv").is_file()

    def test_takes_several_experiments(self, finished: Any, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        other = finished.copy(tmp_path / "other" / "copy")
        page = tmp_path / "both.html"
        finished.command("report", "-f", "stages.yaml", "-f", str(other.file), "-o", str(page))
        assert ", copy/stages.yaml: 16 recordings" in page.read_text()

    def test_replaces_no_file_of_others(self, finished: Any, tmp_path: Path) -> None:
        (tmp_path / "thesis.html").write_text("mine")
        error = finished.command("report", "-o", str(tmp_path / "thesis.html"), code=2).stderr
        assert "is there already, and not made by `pipeline report" in error
        assert (tmp_path / "thesis.html").read_text() == "mine"

    def test_replaces_no_folder_of_others(self, finished: Any, tmp_path: Path) -> None:
        (tmp_path / "results.csv").write_text("mine")
        error = finished.command("report", "-o", str(tmp_path / "r.html"), "--csv", str(tmp_path), code=2).stderr
        assert f"--csv {tmp_path}: is not empty, and not made by `pipeline report" in error
        assert {each.name for each in tmp_path.iterdir()} == {"results.csv"}
        assert (tmp_path / "results.csv").read_text() == "mine"

    def test_an_unknown_file_is_named(self, finished: Any) -> None:
        assert "nowhere.yaml" in finished.command("report", "-f", "nowhere.yaml", code=2).stderr


class TestPlaces:
    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="is a folder\n  name a file in it"):
            check_file(tmp_path, "-o", "report.html")

    def test_a_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="there is no folder"):
            check_file(tmp_path / "no" / "report.html", "-o", "report.html")
        with pytest.raises(ConfigError, match="there is no folder"):
            check_folder(tmp_path / "no" / "svg", "--svg")

    def test_an_empty_folder_will_do(self, tmp_path: Path) -> None:
        check_folder(tmp_path, "--svg")

    def test_what_an_earlier_report_wrote_goes_and_what_others_wrote_stays(self, tmp_path: Path) -> None:
        (folder := tmp_path / "out").mkdir()
        write_files(folder, ".svg", {"a": "1", "b": "1"})
        write_files(folder, ".csv", {"a": "1"})
        (folder / "mine.svg").write_text("mine")
        check_folder(folder, "--svg")
        write_files(folder, ".svg", {"b": "2", "c": "2"})
        found = {each.name: each.read_text() for each in folder.iterdir() if not each.name.startswith(".")}
        assert found == {"a.csv": "1", "b.svg": "2", "c.svg": "2", "mine.svg": "mine"}
        with pytest.raises(ConfigError, match=r"mine\.svg: is there already"):
            write_files(folder, ".svg", {"b": "3", "mine": "3"})
        assert (folder / "b.svg").read_text() == "2"

    def test_a_list_leads_out_of_no_folder(self, tmp_path: Path) -> None:
        (folder := tmp_path / "out").mkdir()
        write_files(folder, ".svg", {"a": "1"})
        with (folder / ".pipeline-report").open("a") as listed:
            listed.write("../other.svg\n")
        (tmp_path / "other.svg").write_text("mine")
        write_files(folder, ".svg", {"a": "1"})
        assert (tmp_path / "other.svg").read_text() == "mine"

    def test_a_file_is_no_folder(self, tmp_path: Path) -> None:
        (tmp_path / "svg").write_text("")
        with pytest.raises(ConfigError, match="is no folder"):
            check_folder(tmp_path / "svg", "--svg")
