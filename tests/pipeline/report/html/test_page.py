"""The page of an experiment: whole by itself, and with the figures of `results --json`."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline.plan.planner import make_plan
from pipeline.report.html.gather.models import distinctive
from pipeline.report.html.gather.outcome import head_comment, outcome_of
from pipeline.report.html.gather.report import Report, gather
from pipeline.report.html.page import write_page
from pipeline.report.html.sections.order import sections_of
from pipeline.report.html.watch import changes
from pipeline.report.results import result_rows
from pipeline.report.results_text import no_results

from .html_reading import Element, read, table_rows
from .made_up import HOSTILE, made_up

SECTIONS = ["results", "confusion", "classes", "modalities", "subjects", "folds", "calibration", "training", "cost",
            "recordings", "left-out", "entries", "provenance"]  # fmt: skip


def page_of(report: Report) -> str:
    return write_page(report, sections_of(report))


@pytest.fixture(scope="module")
def plan(finished: Any) -> Any:
    return finished.plan()


@pytest.fixture(scope="module")
def page(plan: Any) -> str:
    return page_of(gather([outcome_of("stages.yaml", plan)]))


class TestPage:
    def test_holds_all_that_it_shows(self, page: str) -> None:
        read_page = read(page)
        for each in read_page.all():
            for name in ("src", "href", "srcset", "action", "poster", "data"):
                assert each.attributes.get(name, "#")[0] == "#", f"<{each.tag} {name}> asks for something"
        for each in read_page.all("style"):
            assert not re.search(r"url\(|@import", each.text)
        for each in read_page.all("script"):
            assert not re.search(r"fetch|XMLHttp|WebSocket|import\(|https?:", each.text)

    def test_lets_no_script_run_but_its_own(self, page: str) -> None:
        (policy,) = read(page).all("meta", **{"http-equiv": "Content-Security-Policy"})
        assert "default-src 'none'" in policy.attributes["content"]
        (script,) = read(page).all("script")
        digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}'" in policy.attributes["content"]

    def test_has_every_section_in_order_with_a_link(self, page: str) -> None:
        read_page = read(page)
        found = [each.attributes["id"] for each in read_page.all("section")]
        assert found == [each for each in SECTIONS if each in found]
        assert {*SECTIONS} - {*found} <= {"folds", "recordings", "left-out"}
        assert [each.attributes["href"] for each in read_page.all("nav")[0].all("a")] == [f"#{each}" for each in found]

    def test_headings_go_down_one_level_at_a_time(self, page: str) -> None:
        levels = [int(each.tag[1]) for each in read(page).all() if re.fullmatch(r"h\d", each.tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert levels.count(2) == len(read(page).all("section"))
        assert all(below - above <= 1 for above, below in pairwise(levels))

    def test_figures_are_those_of_results(self, page: str, plan: Any) -> None:
        by_model = {row[0].text.strip(): row for row in table_rows(read(page), "All models")}
        rows = result_rows(plan)
        assert {row.model for row in rows} == by_model.keys()
        for row in rows:
            cell = by_model[row.model][{"top1": 1, "macro_f1": 4}[row.metric]]
            assert float(cell.attributes["data-v"]) == row.as_json()["mean"]
            assert cell.text == f"{row.mean:.2f}"

    def test_counts_are_those_of_the_evaluations(self, plan: Any) -> None:
        report = gather([outcome_of("stages.yaml", plan)])
        for model in report.models:
            counts = report.tallies[model.number].confusion
            right = sum(n for (label, predicted), n in counts.items() if label == predicted)
            assert 100 * right / counts.total() == pytest.approx(model.top1)  # one fold, one seed
            assert report.tallies[model.number].reliability.accuracy == pytest.approx(right / counts.total())

    def test_every_picture_has_a_name_for_those_who_do_not_see_it(self, page: str) -> None:
        pictures = read(page).all("svg", role="img")
        assert len(pictures) > 8
        assert all(each.attributes["aria-label"] for each in pictures)


class TestTexts:
    def test_none_is_taken_for_markup(self) -> None:
        plain, hostile = (read(page_of(made_up(name=name))) for name in ("name", HOSTILE))
        assert {each.tag for each in hostile.all()} == {each.tag for each in plain.all()}
        known = {name for each in plain.all() for name in each.attributes}
        assert {name for each in hostile.all() for name in each.attributes} <= known
        assert len(hostile.all("script")) == 1
        assert "alert" not in hostile.all("script")[0].text

    def test_control_characters_are_spelt(self) -> None:
        page = page_of(made_up(name=HOSTILE))
        assert "\x00" not in page
        assert "\\x1b[31m" in page
        page.encode()

    def test_all_are_there(self) -> None:
        (name,) = {each.text.rpartition("-")[0] for each in read(page_of(made_up(name="a<b>&c"))).all("td")
                   if each.text.startswith("a<b>&c-class-")}  # fmt: skip
        assert name == "a<b>&c-class"


class TestUnfinished:
    @pytest.fixture
    def copied(self, finished: Any, tmp_path: Path) -> Any:
        return finished.copy(tmp_path / "copy")

    def test_shows_what_is_there_and_what_is_missing(self, copied: Any) -> None:
        step = copied.plan().steps["evaluate[distilled,subjects=odd,seed=0]"]
        copied.remove("evaluate", step.key)
        page = page_of(gather([outcome_of("stages.yaml", copied.plan())]))
        text = read(page).text
        assert "8 of 9 steps are done" in text
        assert "distilled (0 of 1)" in text
        cells = {row[0].text.strip(): row[1].text for row in table_rows(read(page), "All models")}
        assert cells["distilled"] == "–"
        assert cells["teacher"] != "–"

    def test_of_nothing_says_so(self, project: Any) -> None:
        page = page_of(gather([outcome_of("stages.yaml", project.plan())]))
        assert "No model has figures yet" in read(page).text


def test_is_written_anew_as_steps_end(finished: Any, tmp_path: Path) -> None:
    copied = finished.copy(tmp_path / "copy")
    step = copied.plan().steps["evaluate[distilled,subjects=odd,seed=0]"]
    copied.remove("evaluate", step.key)
    watched = changes({"stages.yaml": copied.plan()}, every_s=0.01)
    plans, done = next(watched)
    assert not done
    report = gather([outcome_of(name, plan) for name, plan in plans.items()])
    assert 'http-equiv="refresh"' in write_page(report, sections_of(report), reload=True)
    copied.run()
    plans, done = next(watched)
    assert done
    assert set(plans["stages.yaml"].states.values()) == {"cached"}
    assert list(watched) == []


def test_what_is_in_a_remote_and_not_needed_here_is_done(finished: Any, tmp_path: Path) -> None:
    copied = finished.copy(tmp_path / "copy")
    shutil.copytree(copied.store, tmp_path / "remote")
    encoded = [step for step in copied.plan().steps.values() if step.stage == "encode"]
    for step in encoded:
        copied.remove("encode", step.key)
    plan = copied.plan(("remote", str(tmp_path / "remote")))
    assert {plan.states[step.id] for step in encoded} == {"remote"}
    assert [done for _, done in changes({"stages.yaml": plan}, every_s=0.01)] == [True]
    assert "are done" not in read(page_of(gather([outcome_of("stages.yaml", plan)]))).text


class TestSize:
    LIMIT = 5_000_000

    @pytest.mark.parametrize("classes", [27, 120])
    def test_two_hundred_models_and_ten_thousand_recordings(self, classes: int) -> None:
        page = page_of(made_up(models=200, recordings=10_000, classes=classes, seeds=1, epochs=200))
        assert len(page.encode()) < self.LIMIT
        assert "models are here" in page  # of the matrices
        assert "pipeline report --csv DIR writes all" in read(page).text
        read(page)


def test_commands_name_the_stages_file_as_it_was_given(finished: Any, tmp_path: Path) -> None:
    file = finished.copy(tmp_path / "my copy").file
    page = read(page_of(gather([outcome_of("copy/stages.yaml", make_plan(file, [("seeds", [0])]), ["seeds=[0]"])])))
    commands = [line for each in page.all("code") for line in each.text.splitlines() if line.startswith("pipeline ")]
    assert f"pipeline run -f '{file}' --set 'seeds=[0]'" in commands
    assert f"pipeline report -f '{file}' --set 'seeds=[0]'" in commands


def test_an_unfinished_page_says_what_finishes_it(finished: Any, tmp_path: Path) -> None:
    file = finished.copy(tmp_path / "copy").file
    trial, plain = (make_plan(file, settings) for settings in ([("seeds", [7])], []))
    text = read(page_of(gather([outcome_of("stages.yaml", trial, ["seeds=[7]"])]))).text
    assert "with the same --set does the rest" in text
    assert no_results(trial).endswith("run `pipeline run` with the same --set")
    assert "does the rest" not in read(page_of(gather([outcome_of("stages.yaml", plain)]))).text


def test_says_what_the_head_of_the_stages_file_says() -> None:
    text = "# DMFT, Table 5.\n# Paper: teacher 93.97.\n#     pipeline run -f x.yaml\nstore: .store\n# Not this.\n"
    assert head_comment(text) == "DMFT, Table 5. Paper: teacher 93.97."
    assert head_comment("store: .store\n") == ""


def test_experiments_are_called_by_what_differs() -> None:
    assert distinctive(["a/stages.yaml", "b/stages.yaml"]) == {"a/stages.yaml": "a", "b/stages.yaml": "b"}
    assert distinctive(["stages.yaml"]) == {"stages.yaml": "stages"}
    assert distinctive(["x.yaml", "y.yaml"]) == {"x.yaml": "x", "y.yaml": "y"}


def headed(page: Element, name: str) -> list[str]:
    (region,) = [each for each in page.all("div", role="region") if each.attributes["aria-label"] == name]
    return [each.text for each in region.all("thead")[0].all("th")]


def test_what_differs_between_experiments_stands_in_front(plan: Any) -> None:
    one = replace(outcome_of("a.yaml", plan), asked={"fit": {"lr": 0.1, "batch": 8}, "seeds": [0]})
    few = replace(one, name="b.yaml", asked={"fit": {"lr": 0.2}, "seeds": [0]})
    page = read(page_of(gather([one, few])))
    assert headed(page, "All models")[:4] == ["Experiment", "lr", "batch", "Model"]
    front = {tuple(cell.text for cell in row[:3]) for row in table_rows(page, "All models")}
    assert front == {("a", "0.1", "8"), ("b", "0.2", "unset")}
    many = replace(few, asked={"fit": {"lr": 0.2, "epochs": 3, "decay": 0}, "seeds": [0]})
    page = read(page_of(gather([one, many])))
    assert headed(page, "All models")[:2] == ["Experiment", "Model"]
    differing = [[cell.text for cell in row] for row in table_rows(page, "What differs between them")]
    assert sorted(differing) == [["fit.batch", "8", "unset"], ["fit.decay", "unset", "0"],
                                 ["fit.epochs", "unset", "3"], ["fit.lr", "0.1", "0.2"]]  # fmt: skip


def test_what_no_setting_tells_apart_is_said(plan: Any) -> None:
    one = replace(outcome_of("run 1", plan), run="1")
    other = replace(one, name="run 2", run="2", steps=[replace(step, key="0" * 64) for step in one.steps])
    said = "run 1 and run 2 have the same settings: code, data or weights changed between them"
    assert said in read(page_of(gather([one, other]))).text
    assert said not in read(page_of(gather([one, replace(one, name="run 2", run="2")]))).text


def test_experiments_side_by_side(plan: Any) -> None:
    one = outcome_of("a.yaml", plan)
    other = [each._replace(key="0" * 64, is_there=False) for each in one.evaluations]
    report = gather([one, replace(one, name="b.yaml", evaluations=other)])
    titles = [model.title for model in report.models]
    assert len(set(titles)) == len(titles) == 6
    assert [each.name for each in report.experiments] == ["a.yaml", "b.yaml"]
    read(page_of(report))
