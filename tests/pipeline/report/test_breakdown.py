"""Results by fold and by subject, of predictions that are made up: their figures are closed forms."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit
from sklearn.metrics import accuracy_score, f1_score

from pipeline.report.breakdown import By, macro_f1, share_right
from pipeline.report.html.gather.outcome import outcome_of
from pipeline.report.html.gather.report import gather
from pipeline.report.html.page import write_page
from pipeline.report.html.sections.order import sections_of
from pipeline.report.results import METRICS

from ..project import Project
from .html.html_reading import read, table_rows

# Shares of each subject's recordings that are right, with seeds 0 and 1.
SHARES = {"1": (1.0, 1.0), "2": (0.5, 1.0), "3": (0.5, 0.5)}
DEVIATION_OVER_SEEDS = math.sqrt(2) * (250 / 3 - 200 / 3) / 2  # of the means over folds, 66.7 and 83.3


@pytest.fixture(scope="module")
def loso(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Project:
    """Leave one subject out, two seeds; the evaluations are made up, nothing is trained."""
    model = {"stage": "train", "needs": ["encode"], "model": "dmft-lite"}
    values = {
        "source": {"name": "sample", "subjects": 3, "trials": 1},
        "modalities": ["skeleton", "inertial"],
        "protocol": "loso",
        "seeds": [0, 1],
        "stages": {"encode": {}, "lite_50": model, "evaluate": {"needs": ["lite_50"]}},
    }
    project = Project(tmp_path_factory.mktemp("loso")).write(values)
    project.run(until="index")
    publish(project)
    return project


def publish(project: Project) -> None:
    """Publish evaluations with the predictions that `SHARES` says."""
    plan = project.plan()
    for step in plan.steps.values():
        if step.stage != "evaluate":
            continue
        classes = step.work["classes"]
        (label,) = step.labels
        tested = [r for r in plan.table.listing.recordings if label["fold"].endswith(r.subject)]
        right = SHARES[tested[0].subject][label["seed"]] * len(tested)
        lines = []
        for i, recording in enumerate(tested):
            wrong = classes[(classes.index(recording.action) + 1) % len(classes)]
            predicted = recording.action if i < right else wrong
            line = {"recording": recording.id, "subject": recording.subject, "label": recording.action}
            lines.append({**line, "predicted": predicted, "probability": 0.5})
        metrics = {"top1": right / len(tested), "macro_f1": 0.25, "vskd_f1": 0.5, "per_modality": {}}
        with plan.store.draft("evaluate", step.key, recipe=step.recipe, inputs=[]) as draft:
            draft.write("metrics.json", json.dumps(metrics).encode())
            draft.write("predictions.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
            draft.publish({})


def rows(project: Project, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(project.command("results", *options).stdout)
    return found


@pytest.mark.parametrize("by", ["fold", "subject"])
def test_json_has_deviations_over_parts_and_over_seeds(loso: Project, by: str) -> None:
    top1, _ = rows(loso, "--by", by, "--json")
    names = [f"subject={subject}" if by == "fold" else subject for subject in SHARES]
    assert [each[by] for each in top1[f"by_{by}"]] == names
    values = [[100 * share for share in shares] for shares in SHARES.values()]
    assert [each["values"] for each in top1[f"by_{by}"]] == values
    assert [each["mean"] for each in top1[f"by_{by}"]] == [100, 75, 50]
    assert [each["std"] for each in top1[f"by_{by}"]] == pytest.approx([0, 50 / math.sqrt(2), 0])
    assert top1[f"over_{by}s"] == {"mean": 75, "std": 25, "n": 3}
    assert (top1["mean"], top1["std"]) == (pytest.approx(75), pytest.approx(DEVIATION_OVER_SEEDS))
    assert sum(each["recordings"] for each in top1[f"by_{by}"]) == top1["recordings"]


def test_without_by_rows_are_what_they_were(loso: Project) -> None:
    whole = rows(loso, "--by", "fold", "--json")
    parts = ("over_folds", "by_fold")
    assert rows(loso, "--json") == [{k: v for k, v in row.items() if k not in parts} for row in whole]


def test_csv_says_what_each_figure_is_over(loso: Project) -> None:
    text = loso.command("results", "--by", "subject", "--format", "csv").stdout
    top1 = [line for line in csv.DictReader(io.StringIO(text)) if line["metric"] == "top1"]
    assert [(line["subject"], line["over"], float(line["mean"])) for line in top1] == [
        ("1", "seeds", 100.0),
        ("2", "seeds", 75.0),
        ("3", "seeds", 50.0),
        ("", "subjects", 75.0),
        ("", "seeds", pytest.approx(75.0)),
    ]
    assert float(top1[3]["std"]) == 25
    assert float(top1[4]["std"]) == pytest.approx(DEVIATION_OVER_SEEDS)
    (plain, _) = csv.DictReader(io.StringIO(loso.command("results", "--format", "csv").stdout))
    assert (plain["model"], plain["modalities"], plain["n"]) == ("lite_50", "skeleton+inertial", "2")
    assert float(plain["std"]) == pytest.approx(DEVIATION_OVER_SEEDS)
    for line, freedom in [*((line, 1) for line in (*top1[:3], top1[4], plain)), (top1[3], 2)]:
        half = stdtrit(freedom, 0.975) * float(line["std"]) / math.sqrt(freedom + 1)
        assert float(line["low"]) == pytest.approx(float(line["mean"]) - half)
        assert float(line["high"]) == pytest.approx(float(line["mean"]) + half)


def test_text_fits_eighty_columns(loso: Project) -> None:
    text = loso.command("results", "--by", "subject").stdout
    assert max(map(len, text.splitlines())) <= 80
    figures = {line.split("  ")[1] if line.startswith("  ") else "": line for line in text.splitlines()}
    assert "75.00 ± 35.36" in figures["2"]
    assert "75.00 ± 25.00" in figures["over subjects"]
    assert "75.00 ± 11.79" in figures["over seeds"]
    assert "subject=2" in loso.command("results", "--by", "fold").stdout


def test_latex_is_a_table_with_escaped_names(loso: Project) -> None:
    text = loso.command("results", "--by", "fold", "--format", "latex").stdout
    table = [line for line in text.splitlines() if not line.startswith("%")]
    assert table[0] == r"\begin{tabular}{lrrr}"
    assert [line for line in table if line.endswith("rule")] == [r"\toprule", r"\midrule", r"\bottomrule"]
    cells = [line.removesuffix(r" \\").split(" & ") for line in table if " & " in line]
    assert {len(each) for each in cells} == {4}
    assert r"\quad subject=2" in cells[2][0]
    assert cells[4][1] == r"75.00 $\pm$ 25.00"
    assert r"\multicolumn{4}{l}{lite\_50 (skeleton+inertial)} \\" in table
    assert r"lite\_50 & skeleton+inertial" in loso.command("results", "--format", "latex").stdout


def test_a_seed_that_lacks_a_fold_counts_nowhere(loso: Project, tmp_path: Path) -> None:
    copy = loso.copy(tmp_path / "copy")
    last = [step for step in copy.plan().steps.values() if step.stage == "evaluate"][-1]
    copy.remove("evaluate", last.key)
    (seed,) = {label["seed"] for label in last.labels}
    top1, _ = rows(copy, "--by", "subject", "--json")
    assert top1["seeds"] == [1 - seed]
    assert [each["values"] for each in top1["by_subject"]] == [[100 * s[1 - seed]] for s in SHARES.values()]
    assert top1["std"] is None
    (plain, _) = csv.DictReader(io.StringIO(copy.command("results", "--format", "csv").stdout))
    assert (plain["n"], plain["std"], plain["low"], plain["high"]) == ("1", "", "", "")  # of one seed there is none


@pytest.mark.parametrize("lacking", [False, True])
@pytest.mark.parametrize("by", ["fold", "subject"])
def test_the_page_has_the_same_figures(loso: Project, tmp_path: Path, by: By, lacking: bool) -> None:
    project = loso.copy(tmp_path / "copy")
    if lacking:
        project.remove("evaluate", [step for step in project.plan().steps.values() if step.stage == "evaluate"][-1].key)
    top1, _ = rows(project, "--by", by, "--json")
    report = gather([outcome_of("stages.yaml", project.plan())])
    page = read(write_page(report, sections_of(report)))
    shown = {cells[0].text.strip(): cells for cells in table_rows(page, f"Accuracy by {by}")}
    assert len(top1["values"]) == (1 if lacking else 2)
    assert sum(each.count for each in report.tallies[0].reliability.bins) == top1["recordings"] * len(top1["values"])
    assert {each[by] for each in top1[f"by_{by}"]} == shown.keys()
    for each in top1[f"by_{by}"]:
        _, tested, *figures = shown[each[by]]
        assert float(tested.attributes["data-v"]) == each["recordings"]
        assert [float(figure.attributes["data-v"]) for figure in figures] == [each["mean"]] * 2  # of the one model


def test_figures_by_subject_are_all_that_results_have_without_options(loso: Project) -> None:
    assert [row["metric"] for row in rows(loso, "--by", "subject", "--json")] == [*METRICS]


def test_options_that_do_not_go_together(loso: Project) -> None:
    assert "exclude" in loso.command("results", "--by", "fold", "--per-recording", code=2).stderr
    assert "exclude" in loso.command("results", "--format", "csv", "--json", code=2).stderr


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1))
def test_figures_by_subject_are_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    labels, predicted = zip(*pairs, strict=True)
    assert share_right(Counter(pairs)) == pytest.approx(accuracy_score(labels, predicted))
    assert macro_f1(Counter(pairs)) == pytest.approx(f1_score(labels, predicted, average="macro", zero_division=0))
