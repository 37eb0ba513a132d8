"""An opened experiment says what the commands say, sees what others do meanwhile, and fails in a sentence."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pipeline

from ..project import SMALL, Project

BAD = """
from torch import nn


class Bad(nn.Module):
    takes = "patches"

    def __init__(self, shapes, classes, params):
        raise RuntimeError("no such thing")
"""


def as_csv(table: list[dict[str, Any]]) -> list[list[str]]:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in table for name in row)))
    writer.writeheader()
    writer.writerows(table)
    return list(csv.reader(io.StringIO(text.getvalue())))


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("arguments", "by"), [((), None), (("--by", "fold"), "fold"), (("--by", "subject"), "subject")]
)
def test_results_are_those_of_the_command(
    done: Project, experiment: pipeline.Experiment, arguments: tuple[str, ...], by: Any
) -> None:
    printed = done.command("results", "--format", "csv", *arguments).stdout
    assert as_csv(experiment.results(by=by)) == rows_of(printed)


def test_predictions_are_those_of_the_command(done: Project, experiment: pipeline.Experiment) -> None:
    printed = rows_of(done.command("results", "--per-recording").stdout)
    assert as_csv(experiment.predictions()) == printed
    own = [printed[0], *(row for row in printed if row[0] == "distilled")]
    assert as_csv(experiment.predictions("distilled")) == own


def test_what_a_table_is_to_a_notebook(experiment: pipeline.Experiment) -> None:
    pandas = pytest.importorskip("pandas")
    table = experiment.predictions("distilled")
    frame = table.to_pandas()
    assert len(frame) == len(table) == 2 * 72
    assert frame.equals(pandas.DataFrame(table))
    top1 = (frame.label == frame.predicted).groupby([frame.seed, frame.fold]).mean().groupby("seed").mean() * 100
    stored = next(row for row in experiment.results() if (row["model"], row["metric"]) == ("distilled", "top1"))
    assert top1.mean() == pytest.approx(stored["mean"])
    assert repr(table).count("\n") == 22
    assert table._repr_html_().count("<tr>") == 21
    assert "and 124 more rows" in repr(table)
    assert "and 124 more rows" in table._repr_html_()


def test_names_in_html_are_text() -> None:
    from pipeline.api.table import Table

    assert "<b>" not in Table([{"<b>": "<b>"}])._repr_html_()


def test_a_table_of_nothing_has_no_rows(project: Project) -> None:
    opened = pipeline.open(project.file)
    assert opened.results() == opened.predictions() == []
    assert repr(opened.results()).startswith("no rows\nno results yet")
    assert opened.results().to_pandas().empty


def test_what_one_runs_the_other_finds(project: Project) -> None:
    opened = pipeline.open(project.file)
    assert {row["state"] for row in opened.status()} == {"todo"}
    assert opened.run("encode") is opened
    status = project.status()
    assert {id_ for id_, step in status.items() if step["state"] == "cached"} == {
        "index", "encode[skeleton]", "encode[inertial]"
    }  # fmt: skip
    project.run()  # as another process would
    assert {row["state"] for row in opened.status()} == {"cached"}
    assert [row["step"] for row in opened.status()] == list(status)
    assert opened.results()


def test_runs_are_remembered_and_compared(project: Project) -> None:
    pipeline.open(project.file).run("student")
    trial = pipeline.open(project.file, {"stages.student.fit.epochs": 2, "store": project.store})
    trial.run()
    runs = trial.runs()
    assert [(row["run"], row["until"], row["settings"]) for row in runs] == [
        (2, None, {"stages.student.fit.epochs": 2}), (1, "student", {})
    ]  # fmt: skip
    assert [row["run"] for row in trial.results(2)] == ["2"] * len(trial.results(2))
    printed = rows_of(project.command("results", "2", "--format", "csv").stdout)
    assert as_csv(trial.results(2)) == printed
    with pytest.raises(pipeline.ConfigError, match="7"):
        trial.results(7)


def test_settings_are_those_of_the_command(project: Project) -> None:
    settings = {
        "stages.teacher.fit.epochs": np.int64(3),
        "seeds": range(4, 6),
        "stages.student.model": {"name": "cnn1d"},
    }
    texts = ["stages.teacher.fit.epochs=3", "seeds=[4, 5]", "stages.student.model={name: cnn1d}"]
    keys = {row["step"]: row["key"] for row in pipeline.open(project.file, settings).status()}
    assert keys == {id_: step["key"] for id_, step in project.status(*texts).items()}


def test_a_failing_step_is_an_error_and_loses_nothing(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    (project.folder / "bad.py").write_text(BAD)
    opened = pipeline.open(project.file, {"stages.student.model": "bad.py:Bad"})
    with pytest.raises(pipeline.PipelineError, match="no such thing"):
        opened.run()
    states = {row["step"]: row["state"] for row in opened.status()}
    assert states["teacher[subjects=odd,seed=0]"] == "cached"
    assert states["student[subjects=odd,seed=0]"] == "todo"


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (lambda e: e.run("encod"), "encod: no such entry .*\n.*encode"),
        (lambda e: e.features("skelton"), "skelton: no such modality .*\n.*skeleton"),
        (lambda e: e.features("skeleton", "teacher"), "teacher: no such entry with features .*\n"),
        (lambda e: e.model("encode"), "encode: no such entry with a trained model .*\n"),
        (lambda e: e.model("teacher", fold="subject=9"), "fold subject=9: .*\n.*subject=1"),
        (lambda e: e.model("teacher", seed=9), "seed 9: .*\n.*0, 1"),
        (lambda e: e.dataset("teacher", "tset"), "side 'tset'.*\n.*train, validation, test"),
        (lambda e: e.dataset("distilled", "validation"), "nothing is set apart for validation"),
        (lambda e: e.dataset("encode", fold="odd"), "fold odd: .*\n.*subject=1"),
        (lambda e: e.predictions("tacher"), "tacher: no such model .*\n.*teacher"),
        (lambda e: e.results("baseline"), "baseline"),
        (lambda e: pipeline.open("nowhere.yaml"), "nowhere.yaml"),
        (lambda e: pipeline.open(e._plan.path, {"seedz": [1]}), "seedz"),
        (lambda e: pipeline.open(e._plan.path, {"": 1}), "--set =1"),
        (lambda e: pipeline.open(e._plan.path, ["seeds=[0]"]), "is no mapping"),
        (lambda e: pipeline.open(e._plan.path, {"seeds": {1, 2}}), "seeds: set is nothing that YAML has"),
        (lambda e: pipeline.open(e._plan.path, {"seeds=[3]#": [0]}), "is no key"),
        (lambda e: e.dataset(3), "3: is no name"),
        (lambda e: e.predictions("encode"), "encode: no such model is evaluated"),
        (lambda e: e.results(by="subjct"), "by 'subjct'.*\n.*subject"),
        (lambda e: e.run(jobs=0), "jobs 0"),
        (lambda e: e.run(device="gpu"), "device gpu"),
        (lambda e: e.dataset("teacher", "test", augment=True), "test of teacher is never augmented"),
        (lambda e: e.dataset("encode", augment=True), "train of encode is never augmented"),
        (lambda e: e.figures()["confusion-teachr"], "confusion-teachr: .*\n.*confusion-teacher"),
        (lambda e: e.figures()["top1"].save("top1.png"), "top1.png: a figure is written as SVG"),
    ],
)
def test_mistakes_are_told_with_the_remedy(experiment: pipeline.Experiment, ask: Any, what: str) -> None:
    with pytest.raises(pipeline.ConfigError, match=what):
        ask(experiment)


def test_what_is_not_made_yet_says_how(project: Project) -> None:
    opened = pipeline.open(project.file)
    for ask in (lambda: opened.features("skeleton"), lambda: opened.dataset("encode"), lambda: opened.model("teacher")):
        with pytest.raises(pipeline.StepError, match=r"run\("):
            ask()
    project.run(until="encode")
    opened.features("skeleton")
    with pytest.raises(pipeline.StepError, match=r"teacher\[.*not made yet\n  run\('teacher'\)"):
        opened.model("teacher")


def test_a_damaged_output_is_set_aside(done: Project, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    copy = done.copy(tmp_path / "copy")
    opened = pipeline.open(copy.file)
    model = next(copy.store.glob("outputs/train/*/*/model.safetensors"))
    key = model.parts[-3]
    step = next(row["step"] for row in opened.status() if row["key"] == key)
    model.write_bytes(model.read_bytes()[:-1])
    with pytest.raises(pipeline.StepError, match="not made yet"):
        opened.model(step)
    assert "was moved to" in capfd.readouterr().err


def test_a_store_that_cannot_be_used_is_a_pipeline_error(small: dict[str, Any], tmp_path: Path) -> None:
    project = Project(tmp_path / "project").write({**small, "store": "s4://bucket"})
    with pytest.raises(pipeline.PipelineError, match="s4"):
        pipeline.open(project.file)


def test_an_experiment_says_what_it_is(experiment: pipeline.Experiment) -> None:
    assert experiment.entries == ["index", "encode", "gaf", "teacher", "images", "distilled", "evaluate"]
    assert experiment.folds == ["subject=1", "subject=2", "subject=3"]
    assert experiment.classes[:2] == ["swipe_left", "swipe_right"]
    assert len(experiment.recordings()) == 72
    assert "40 steps, 40 cached" in repr(experiment)


def test_notes_are_those_of_the_command(done: Project, experiment: pipeline.Experiment) -> None:
    lines = [line for line in done.command("results").stdout.splitlines() if line]
    table = experiment.results()
    assert table.notes == lines[len(lines) - len(table.notes) :]
    assert all(note in repr(table) for note in table.notes)


def test_results_by_seed_average_to_results(experiment: pipeline.Experiment) -> None:
    by_seed = experiment.results(by="seed")
    for row in experiment.results():
        values = [each["mean"] for each in by_seed if (each["model"], each["metric"]) == (row["model"], row["metric"])]
        assert len(values) == row["n"] == 2
        assert sum(values) / 2 == pytest.approx(row["mean"])


def test_a_session_may_import_its_own_plug_ins(small: dict[str, Any], tmp_path: Path) -> None:
    small["stages"]["student"] |= {"model": "mine.py:Mine", "modalities": ["inertial"]}
    project = Project(tmp_path / "project").write(small)
    (project.folder / "mine.py").write_text(
        "from trainers.models.cnn1d.model import CNN1D\n\n\nclass Mine(CNN1D):\n    takes = 'series'\n"
        "    from trainers.models.cnn1d.params import CNN1DParams as Params\n"
    )
    script = project.folder / "script.py"
    script.write_text(
        "import multiprocessing\nimport mine\nimport pipeline\n"
        "experiment = pipeline.open('stages.yaml').run('student')\n"
        "print(type(experiment.model('student').network.network.model).__name__, mine.Mine.__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], cwd=project.folder, env={**os.environ, "PYTHONPATH": str(project.code)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "Mine Mine", done.stderr


def test_variants_are_named_by_their_ids(small: dict[str, Any], tmp_path: Path) -> None:
    values = {**SMALL, "matrix": {"stages.student.fit.epochs": [1, 2]}}
    project = Project(tmp_path / "project").write(values)
    project.run(until="student")
    opened = pipeline.open(project.file)
    with pytest.raises(pipeline.ConfigError, match=r"2 steps fit\n.*student\[.*, student\[") as told:
        opened.model("student")
    for id_ in str(told.value).rpartition(": ")[2].split(", student"):
        name = id_ if id_.startswith("student") else f"student{id_}"
        assert name in repr(opened.model(name))


def test_columns_of_a_table_take_no_name_away(tmp_path: Path, cache: Any) -> None:
    (tmp_path / "data").mkdir()
    lines = ["watch,subject,label,recording,action,site"]
    for place, (subject, label) in enumerate((s, c) for s in "12" for c in ("walk", "sit")):
        name = f"{subject}{label}.csv"
        (tmp_path / "data" / name).write_text("x,y\n" + "0.1,0.2\n0.3,0.1\n" * 20)
        lines.append(f"{name},{subject},{label},tape{place % 2},left-hand,A")
    (tmp_path / "data" / "table.csv").write_text("\n".join(lines))
    source = {"name": "folder", "root": "data", "classes": ["walk", "sit"], "table": "table.csv",
              "streams": {"watch": {"rate": 20}}}  # fmt: skip
    values = {"source": source, "modalities": ["watch"], "protocol": "loso", "seeds": [0], "stages": {"encode": {}}}
    rows = pipeline.open(Project(tmp_path).write(values).file).recordings()
    assert sorted(row["action"] for row in rows) == ["sit", "sit", "walk", "walk"]
    assert len({row["recording"] for row in rows}) == 4
    assert {(row["columns.action"], row["site"]) for row in rows} == {("left-hand", "A")}
    assert sorted(row["columns.recording"] for row in rows) == ["tape0", "tape0", "tape1", "tape1"]


def test_two_experiments_with_plug_ins_of_one_name(small: dict[str, Any], tmp_path: Path) -> None:
    small["stages"]["student"] |= {"model": "mine.py:Mine", "modalities": ["inertial"]}
    opened = []
    for name in ("a", "b"):
        project = Project(tmp_path / name).write(small)
        (project.folder / "mine.py").write_text(
            "from trainers.models.cnn1d.model import CNN1D\nfrom trainers.models.cnn1d.params import CNN1DParams\n\n\n"
            f"class Mine(CNN1D):\n    takes = 'series'\n    which = {name!r}\n    Params = CNN1DParams\n"
        )
        opened.append(pipeline.open(project.file).run("student"))
    for _ in range(2):
        for each, name in zip(opened, ("a", "b"), strict=True):
            model = each.model("student")
            assert model.network.network.model.which == name
            assert model.predict(each.dataset("student", "test"))
