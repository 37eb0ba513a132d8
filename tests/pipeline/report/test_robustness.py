"""`results --robustness` and the report's part on failed sensors: figures are those of a sum by hand."""

from __future__ import annotations

import csv
import io
import json
import random
import statistics
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.report.html.gather.outcome import outcome_of
from pipeline.report.html.gather.report import gather
from pipeline.report.html.parts import Picture, Section, Table
from pipeline.report.html.robustness.section import robustness

from ..project import Project

CONDITIONS: list[dict[str, Any]] = [
    {},
    {"absent": ["skeleton"]},
    {"modality": "inertial", "harm": "noise", "strength": 20.0},
    {"modality": "inertial", "harm": "noise", "strength": 0.0},
    {"modality": "inertial", "harm": "packet_loss", "strength": 0.3},
    {"modality": "inertial", "harm": "saturation", "strength": 0.25},
    {"modality": "inertial", "harm": "clock_offset", "strength": 0.25},
    {"modality": "inertial", "harm": "clock_drift", "strength": 0.02},
    {"modality": "inertial", "harm": "rotation", "strength": 45.0},
]
SAID = [
    "all sensors", "skeleton absent", "inertial: white noise, 20 dB", "inertial: white noise, 0 dB",
    "inertial: lost packets, 30 %", "inertial: saturation, 0.25 of the range", "inertial: a late clock, 0.25 s",
    "inertial: a fast clock, 2 %", "inertial: turned mounting, 45°",
]  # fmt: skip
Drawn = dict[tuple[str, int, str, int], float]  # by model, seed, fold, condition


def made(folder: Path) -> tuple[Project, Drawn]:
    """Leave one subject out, three seeds; the tests' figures are drawn, nothing is trained."""
    model = {"stage": "train", "needs": ["encode"], "model": "dmft-lite"}
    values = {
        "source": {"name": "sample", "subjects": 2, "trials": 1},
        "modalities": ["skeleton", "inertial"],
        "protocol": "loso",
        "seeds": [0, 1, 2],
        "stages": {
            "encode": {},
            "both": model,
            "wrist": {**model, "modalities": ["inertial"]},
            "evaluate": {"needs": ["both", "wrist"]},
            "robustness": {"needs": ["both", "wrist"], "vote": "weighted"},
        },
    }
    project, draw, drawn = Project(folder).write(values), random.Random(3), Drawn()
    project.run(until="index")
    plan = project.plan()
    for step in plan.steps.values():
        if step.stage != "robustness":
            continue
        (label,) = step.labels
        listed = []
        for number, condition in enumerate(CONDITIONS):
            if label["model"] == "wrist" and "absent" in condition:
                continue
            top1 = drawn[label["model"], label["seed"], label["fold"], number] = draw.random()
            whole = {"absent": [], "modality": None, "harm": None, "strength": None}
            listed.append({**whole, **condition, "top1": top1, "macro_f1": 0.5})
        with plan.store.draft("robustness", step.key, recipe=step.recipe, inputs=[]) as draft:
            draft.write("robustness.json", json.dumps({"conditions": listed, "impossible": {}}).encode())
            draft.publish({})
    return project, drawn


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> tuple[Project, Drawn]:
    return made(tmp_path_factory.mktemp("robustness"))


def by_hand(drawn: Drawn, model: str, condition: int) -> tuple[float, float] | None:
    """Average over folds, then mean and deviation over seeds, in percent."""
    seeds = []
    for seed in range(3):
        folds = [value for (name, s, _, c), value in drawn.items() if (name, s, c) == (model, seed, condition)]
        if not folds:
            return None
        assert len(folds) == 2
        seeds.append(100 * sum(folds) / 2)
    return sum(seeds) / 3, statistics.stdev(seeds)


def test_json_and_csv_have_every_figure_in_all_its_digits(both: tuple[Project, Drawn]) -> None:
    project, drawn = both
    rows = json.loads(project.command("results", "--robustness", "--json").stdout)
    text = project.command("results", "--robustness", "--format", "csv").stdout
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(lines) == 2 * (9 + 8)  # top-1 and macro F1
    expected = [
        (model, SAID[number], *figures)
        for model in ("both", "wrist")
        for number in range(9)
        if (figures := by_hand(drawn, model, number))
    ]
    top1 = [row for row in rows if row["metric"] == "top1"]
    assert [(row["model"], row["condition"]) for row in top1] == [each[:2] for each in expected]
    for row, line, (*_, mean, std) in zip(top1, lines[::2], expected, strict=True):
        assert (row["mean"], row["std"]) == pytest.approx((mean, std))
        assert (float(line["mean"]), float(line["std"])) == pytest.approx((mean, std))
        assert (row["n"], row["folds"]) == (3, 2)
        assert (row["entry"], line["harm"], line["condition"]) == ("robustness", row["harm"] or "", row["condition"])
    assert [row["absent"] for row in top1[:3]] == [[], ["skeleton"], []]


def test_the_table_has_a_line_a_condition_and_a_column_a_model(both: tuple[Project, Drawn]) -> None:
    project, drawn = both
    said = project.command("results", "--robustness").stdout.splitlines()
    assert said[0].startswith("top-1 % with sensors absent or harmed, sample, loso (2 folds)")
    assert said[2].split() == ["condition", "both", "wrist"]
    titles = ["absent", "white noise", "lost packets", "saturation", "a late clock", "a fast clock", "turned mounting"]
    assert [line for line in said if line in titles] == titles
    table = [line for line in said[4:] if "±" in line]
    for number, line in enumerate(table):
        figures = [by_hand(drawn, model, number) for model in ("both", "wrist")]
        shown = ["-" if each is None else f"{each[0]:.2f} ± {each[1]:.2f}" for each in figures]
        assert " ".join(line.split()).endswith(" ".join(shown))
    assert len(table) == 9
    assert "note: robustness: streams vote by their accuracy on the training side (vote: weighted)" in said
    latex = project.command("results", "--robustness", "--format", "latex").stdout
    assert r"\quad inertial, 45$^\circ$ & " in latex
    assert latex.count(r"$\pm$") == 17


def test_a_seed_without_all_folds_is_left_out_and_said(both: tuple[Project, Drawn], tmp_path: Path) -> None:
    project, _ = both
    copy = project.copy(tmp_path / "copy")
    plan = copy.plan()
    lost = next(step for step in plan.steps.values() if step.stage == "robustness" and step.labels[0]["seed"] == 1)
    copy.remove("robustness", lost.key)
    rows = json.loads(copy.command("results", "--robustness", "--json").stdout)
    assert {tuple(row["seeds"]) for row in rows if row["model"] == lost.labels[0]["model"]} == {(0, 2)}
    assert "note: 1 of 12 tests are not there (yet)" in copy.command("results", "--robustness").stdout


def test_two_entries_have_a_table_each(both: tuple[Project, Drawn], tmp_path: Path) -> None:
    project, _ = both
    copy = project.copy(tmp_path / "copy")
    values = yaml.safe_load(copy.file.read_text())
    values["stages"]["again"] = values["stages"]["robustness"] | {"stage": "robustness"}  # the same steps
    copy.write(values)
    said = copy.command("results", "--robustness").stdout
    first, second = said[: said.index("\n\nagain: ")], said[said.index("\n\nagain: ") + 2 :]
    lines = [[line for line in part.splitlines() if "±" in line] for part in (first, second)]
    assert len(lines[0]) == 9
    assert lines[0] == lines[1]
    tables = [part for part in section_of(copy).parts if isinstance(part, Table)]
    assert [table.name for table in tables] == ["robustness", "robustness-again"]


def section_of(project: Project) -> Section:
    section = robustness(gather([outcome_of("made up", project.plan())]))
    assert section is not None
    return section


def test_the_report_has_the_same_figures_and_a_curve_for_each_harm(both: tuple[Project, Drawn]) -> None:
    project, drawn = both
    table, *pictures = section_of(project).parts
    assert isinstance(table, Table)
    assert [column.title for column in table.columns] == ["Condition", "both", "±", "wrist", "±"]
    for number, row in enumerate(table.rows):
        name, *cells = row.cells
        assert name.text == SAID[number]
        expected = [each for model in ("both", "wrist") for each in by_hand(drawn, model, number) or (None, None)]
        assert [cell.value for cell in cells] == [each if each is None else pytest.approx(each) for each in expected]
    assert [each.name.partition("-")[2] for each in pictures if isinstance(each, Picture)] == [
        "noise", "packet_loss", "saturation", "clock_offset", "clock_drift", "rotation",
    ]  # fmt: skip
    noise = pictures[0]
    assert isinstance(noise, Picture)
    first, last = by_hand(drawn, "both", 0), by_hand(drawn, "both", 3)
    assert first is not None
    assert last is not None
    for at, (mean, std) in (("none", first), ("0 dB", last)):
        assert f"inertial, {at}: {mean:.2f} ± {std:.2f} %" in noise.svg


def test_without_tests_the_command_says_what_to_add_and_there_is_no_section(
    project: Any, small: dict[str, Any]
) -> None:
    project.write(small)
    said = project.command("results", "--robustness").stdout
    assert said.splitlines()[1:] == ["  robustness:", "    needs: [teacher, student, distilled]"]
    assert robustness(gather([outcome_of("small", project.plan())])) is None


@pytest.mark.parametrize("other", [["--by", "fold"], ["--per-recording"], ["--vskd-f1"], ["1"]])
def test_what_else_results_can_show_excludes_it(project: Any, small: dict[str, Any], other: list[str]) -> None:
    assert "exclude each other" in project.write(small).command("results", "--robustness", *other, code=2).stderr
