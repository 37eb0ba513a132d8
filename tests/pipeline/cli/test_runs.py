"""``pipeline runs``: what was run is listed, compared, kept and dropped, without repeating a setting."""

from __future__ import annotations

import csv
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store import encode_ref

from ..project import Project
from .variants import SETTINGS, adopted, reference_of


@pytest.fixture
def copy(variants: Project, tmp_path: Path) -> Project:
    """A copy at another path, which knows the runs as its own."""
    return adopted(variants.copy(tmp_path / "copy"))


def listed(project: Project) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(project.command("runs", "--json").stdout)
    return found


def records(project: Project) -> list[Path]:
    return sorted((project.store / "runs").glob("*/*.json"))


def keys(project: Project, *settings: tuple[str, Any]) -> dict[str, tuple[str, str]]:
    return {id_: (step.stage, step.key) for id_, step in project.plan(*settings).steps.items()}


def has(project: Project, output: tuple[str, str]) -> bool:
    return (project.store / "outputs" / output[0] / output[1] / "manifest.json").exists()


def alone(project: Project) -> list[set[tuple[str, str]]]:
    """What only one of the three variants needs, by variant."""
    base = {*keys(project).values()}
    found = []
    for setting in SETTINGS:
        key, _, value = setting.partition("=")
        found.append({*keys(project, (key, json.loads(value))).values()} - base)
    return found


def test_runs_lists_settings_state_and_figures(variants: Project) -> None:
    found = listed(variants)
    assert [run["run"] for run in found] == [3, 2, 1]
    assert [[f"{k}={v}" for k, v in run["settings"].items()] for run in reversed(found)] == [[s] for s in SETTINGS]
    assert {run["state"] for run in found} == {"done"}
    assert found[0]["began"] >= found[2]["began"]
    rows = json.loads(variants.command("results", "--json", "--set", SETTINGS[2]).stdout)
    assert found[0]["results"] == rows
    text = variants.command("runs").stdout
    assert max(map(len, text.splitlines())) <= 80
    assert all(setting in text for setting in SETTINGS)
    assert f"student {rows[2]['mean']:.2f}" in text


def test_a_trial_says_which_run_it_is(copy: Project) -> None:
    trial = ("run", "--set", "stages.student.fit.lr=0.03")
    assert "this is run 4: as a page, `pipeline report 4`" in copy.command(*trial).stdout
    said = copy.command(*trial).stdout
    assert "everything is cached" in said
    assert "`pipeline report 4`" in said
    assert "`pipeline report 2`" in copy.command("run", "--set", SETTINGS[1]).stdout
    copy.command("runs", "drop", "4")
    assert "pipeline report" not in copy.command(*trial).stdout  # nothing was done, so nothing is remembered


def test_a_subcommand_names_the_file_that_its_group_was_given(copy: Project) -> None:
    other = copy.folder / "other.yaml"
    other.write_text(copy.file.read_text())
    assert "`pipeline runs -f other.yaml`" in copy.command("runs", "-f", "other.yaml", "drop", "9", code=2).stderr


def test_many_settings_are_listed_whole(copy: Project) -> None:
    values = {"lr": 0.013, "weight_decay": 0.017, "label_smoothing": 0.11, "warmup": 1}
    settings = [f"stages.student.fit.{key}={value}" for key, value in values.items()]
    copy.command("run", "--until", "student", *(part for each in settings for part in ("--set", each)))
    text = copy.command("runs").stdout
    assert max(map(len, text.splitlines())) <= 80
    assert all(setting in text for setting in settings)


def test_results_of_runs_have_what_differs_in_front(variants: Project) -> None:
    rows = json.loads(variants.command("results", "1", "2", "3", "--json").stdout)
    for number, setting in enumerate(SETTINGS, 1):
        own = [row for row in rows if row["run"] == str(number)]
        alike = json.loads(variants.command("results", "--json", "--set", setting).stdout)
        assert [{k: v for k, v in row.items() if k not in ("run", "settings")} for row in own] == alike
    assert rows[0]["settings"] == {"stages.student.fit.lr": 0.01, "stages.student.fit.epochs": 1}
    text = variants.command("results", "1", "2", "3").stdout
    assert max(map(len, text.splitlines())) <= 80
    header = next(line for line in text.splitlines() if line.startswith("run "))
    assert header.split()[:4] == ["run", "epochs", "lr", "model"]
    lines = [line.split() for line in text.splitlines() if "  student " in line]
    assert [line[:3] for line in lines] == [["1", "1", "0.01"], ["2", "1", "0.02"], ["3", "2", "unset"]]
    lines = variants.command("results", "1", "2", "--format", "csv").stdout.splitlines()
    assert lines[0].startswith("run,stages.student.fit.lr,model,")
    shown = {(cells[0], cells[2]): cells[1] for cells in (line.split(",") for line in lines[1:])}
    assert (shown["1", "student"], shown["2", "student"]) == ("0.01", "0.02")
    assert "run 2" in variants.command("results", "1", "2", "--by", "subject").stdout


def test_a_setting_stands_beside_models_that_it_is_about_alone(variants: Project) -> None:
    """That of a student says nothing of a teacher, nor of what the teacher teaches."""
    expected = {(run, model): "-" for run in "12" for model in ("teacher", "student", "distilled")}
    expected |= {("1", "student"): "0.01", ("2", "student"): "0.02"}
    text = variants.command("results", "1", "2").stdout
    rows = [line.split() for line in text.splitlines() if line[:2] in ("1 ", "2 ")]
    assert {(row[0], row[2]): row[1] for row in rows} == expected
    latex = variants.command("results", "1", "2", "--format", "latex").stdout
    rows = [line.split(" & ") for line in latex.splitlines() if line[:2] in ("1 ", "2 ")]
    assert {(row[0], row[2]): row[1] for row in rows} == expected
    lines = csv.DictReader(variants.command("results", "1", "2", "--format", "csv").stdout.splitlines())
    found = {(line["run"], line["model"]): line["stages.student.fit.lr"] or "-" for line in lines}
    assert found == expected


def test_results_of_one_run_are_those_of_its_settings(variants: Project) -> None:
    plain = variants.command("results", "--set", SETTINGS[0]).stdout
    text = variants.command("results", "1").stdout
    assert "run 1, " in text
    assert SETTINGS[0] in text
    table = [line for line in plain.splitlines() if "skeleton+inertial" in line]
    assert [line for line in text.splitlines() if "skeleton+inertial" in line] == table
    same = variants.command("results", "--per-recording", "--set", SETTINGS[0]).stdout
    assert variants.command("results", "1", "--per-recording").stdout == same


def test_a_setting_beside_a_run_is_refused(variants: Project) -> None:
    assert "a run has its settings" in variants.command("results", "1", "--set", "fit.lr=1", code=2).stderr
    said = variants.command("results", "9", code=2).stderr
    assert "RUN 9: no such run" in said
    assert "3, 2, 1" in said
    for command in ("drop", "keep"):  # as a script does whose variable is empty
        assert "RUN '': no such run" in variants.command("runs", command, "", code=2).stderr


def test_cleaning_keeps_what_is_kept_and_frees_what_is_dropped(copy: Project) -> None:
    own = alone(copy)
    assert all(has(copy, output) for outputs in own for output in outputs)
    copy.command("runs", "keep", "1", "low")
    assert "nothing else here needs 2 outputs" in copy.command("runs", "drop", "2").stdout
    assert "used by 2 experiments and 1 kept run)" in copy.command("gc", "--grace", "0", "--yes").stdout
    there = [[has(copy, output) for output in outputs] for outputs in own]
    assert [(all(each), any(each)) for each in there] == [(True, True), (False, False), (True, True)]
    assert all(has(copy, output) for output in keys(copy).values())
    assert [(run["run"], run["name"], run["kept"]) for run in listed(copy)] == [(3, None, False), (1, "low", True)]
    # Without the experiment's own reference only the kept run has a claim.
    copy.command("gc", "--grace", "0", "--yes", "--forget", reference_of(copy))
    assert all(has(copy, output) for output in own[0])
    assert not any(has(copy, output) for output in own[2])
    assert [(run["run"], run["state"]) for run in listed(copy)] == [(3, "partly gone"), (1, "done")]
    assert "are not in this store" not in copy.command("results", "low").stdout
    assert "1 of 3 evaluations are not in this store" in copy.command("results", "3").stdout
    copy.command("runs", "drop", "low")
    copy.command("gc", "--grace", "0", "--yes")
    assert not any(has(copy, output) for output in own[0])


def test_what_the_stages_file_itself_needs_stays_when_trials_are_dropped(copy: Project) -> None:
    assert "everything is cached" in copy.command("run").stdout
    for reference in {path.name for path in (copy.store / "refs").glob("*.json")} - {reference_of(copy)}:
        (copy.store / "refs" / reference).unlink()  # that of the project which this one was copied from
    said = [copy.command("runs", "drop", number).stdout for number in "123"]
    assert all("nothing else here needs 2 outputs" in each for each in said)
    copy.command("gc", "--grace", "0", "--yes")
    assert all(has(copy, output) for output in keys(copy).values())


def leave_something_to_do(project: Project) -> None:
    """Remove an output of the stages file as it stands: a run that has nothing to do is not remembered."""
    step = next(step for step in project.plan().steps.values() if step.stage == "evaluate")
    project.remove(step.stage, step.key)


def test_the_same_run_again_keeps_its_number_and_writes_nothing(copy: Project) -> None:
    def written() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in (copy.store / "runs").rglob("*")}

    before = written()
    copy.command("run", "--set", SETTINGS[1])
    assert written() == before
    copy.command("run")  # of the file itself, which was never run by the command, and has nothing to do
    assert written() == before
    leave_something_to_do(copy)
    copy.command("run")
    assert [run["run"] for run in listed(copy)] == [4, 3, 2, 1]
    assert listed(copy)[0]["settings"] == {}
    copy.file.write_text(copy.file.read_text() + "# a remark\n")
    before = written()
    copy.command("run")
    assert written() == before


def test_a_kept_run_keeps_its_name_when_it_runs_again(copy: Project) -> None:
    copy.command("runs", "keep", "1", "low")
    evaluated = next(output for output in alone(copy)[0] if output[0] == "evaluate")
    copy.remove(*evaluated)
    copy.command("run", "--set", SETTINGS[0])
    assert has(copy, evaluated)
    assert [(run["run"], run["name"], run["kept"]) for run in listed(copy)][2:] == [(1, "low", True)]


def test_figures_that_are_damaged_are_made_again_and_the_run_remembered(copy: Project) -> None:
    broken, removed = [step for step in copy.plan().steps.values() if step.stage == "evaluate"][:2]
    copy.remove("evaluate", removed.key)
    (metrics,) = (copy.store / "outputs" / "evaluate" / broken.key).glob("*/metrics.json")
    metrics.chmod(0o644)
    metrics.write_bytes(b"?" * metrics.stat().st_size)
    ran = copy.command("run", "--json")
    assert "not remembered" not in ran.stderr
    assert "it was moved to" in ran.stderr
    assert {*json.loads(ran.stdout)["done"]} == {broken.id, removed.id}
    assert listed(copy)[0]["results"] == json.loads(copy.command("results", "--json").stdout)


def test_a_run_of_an_edited_file_says_what_was_otherwise(copy: Project) -> None:
    text = copy.file.read_text()
    leave_something_to_do(copy)
    copy.command("run")
    copy.file.write_text(text.replace("seeds:\n- 0", "seeds:\n- 1"))
    assert listed(copy)[0]["settings"] == {"seeds": [0]}


def test_a_killed_run_is_listed_as_stopped(
    finished: Project, tmp_path: Path, until: Callable[..., None], kill_group: Callable[..., None]
) -> None:
    project = finished.copy(tmp_path / "killed")
    process = project.start("run", "--set", "stages.student.fit.epochs=20000", "--set", "stages.student.fit.batch=2")
    until(lambda: records(project))
    (going,) = listed(project)
    refused = [project.command("runs", "drop", "1", code=2), project.command("runs", "keep", "1", code=2)]
    kill_group(process)
    assert all("goes on" in each.stderr for each in refused)
    (stopped,) = listed(project)
    assert (going["state"], stopped["state"]) == ("running", "stopped")
    assert stopped["settings"] == {"stages.student.fit.epochs": 20000, "stages.student.fit.batch": 2}
    assert stopped["ended"] is None
    assert "stopped" in project.command("runs").stdout
    project.command("runs", "drop", "1")
    assert listed(project) == []


@pytest.mark.parametrize("first", [0, 1])
def test_a_run_that_another_process_is_still_at_is_running(
    finished: Project, tmp_path: Path, until: Callable[..., None], kill_group: Callable[..., None], first: int
) -> None:
    project = finished.copy(tmp_path / "two")
    long = ("run", "--set", "stages.student.fit.epochs=20000", "--set", "stages.student.fit.batch=2")
    processes = [project.start(*long)]
    until(lambda: records(project))
    processes.append(project.start(*long))
    until(lambda: [*(project.store / "runs").glob("*/.1.2.lock")])
    stopped, going = processes[first], processes[1 - first]
    stopped.send_signal(signal.SIGINT)
    assert stopped.wait(60) == 130
    (run,) = listed(project)
    assert (run["state"], run["ended"]) == ("running", None)
    assert "goes on" in project.command("runs", "drop", "1", code=2).stderr
    kill_group(going)
    assert [run["state"] for run in listed(project)] == ["stopped"]


@pytest.mark.parametrize("harm", ["cut", "changed", "newer"])
def test_a_record_that_cannot_be_read_is_told_and_stays(copy: Project, harm: str) -> None:
    path = next(path for path in records(copy) if path.name.startswith("2-"))
    content = path.read_bytes()
    if harm == "newer":
        value = json.loads(content)
        del value["sha256"]
        path.write_bytes(encode_ref(value | {"format": 2}))
    else:
        path.write_bytes(content[:-20] if harm == "cut" else content.replace(b'"ending":"done"', b'"ending":"gone"'))
    harmed = path.read_bytes()
    said = copy.command("runs")
    assert ("is of a newer version" if harm == "newer" else "is damaged") in said.stderr
    assert f"{path.parent}/{path.name}" in said.stderr
    assert [run["run"] for run in listed(copy)] == [3, 1]
    assert "RUN 2" in copy.command("results", "2", code=2).stderr
    copy.command("run", "--set", SETTINGS[1])  # everything is cached, and no record can be read
    assert path.read_bytes() == harmed
    assert [run["run"] for run in listed(copy)] == [3, 1]
    if harm == "newer":
        assert "newer version" in copy.command("runs", "drop", "2", code=2).stderr
        assert path.read_bytes() == harmed
    else:
        copy.command("runs", "drop", "2")
        assert not path.exists()
        assert has(copy, next(iter(alone(copy)[1])))


def test_mistakes_are_told(copy: Project) -> None:
    copy.command("runs", "keep", "1", "low")
    assert "run 1 has that name" in copy.command("runs", "keep", "2", "low", code=2).stderr
    assert "cannot name a run" in copy.command("runs", "keep", "2", "7", code=2).stderr
    assert "no such run" in copy.command("runs", "drop", "none", code=2).stderr


def test_before_any_run(project: Project) -> None:
    said = project.command("runs").stdout
    assert f"is remembered in {project.store}: `pipeline run` begins one" in said
    assert listed(project) == []
    assert not os.path.exists(project.store)
