"""What a run would take, before it: from this experiment's steps, or from others' in the same store."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.report.cost.estimates import Estimate, Estimates, Total
from store import Store


def rewrite(project: Any, stage: str, **provenance: Any) -> None:
    """Let the manifests of a stage tell other things of how they were made."""
    rewrite_some(project, stage, lambda recipe: True, **provenance)


def rewrite_some(project: Any, stage: str, chosen: Callable[[Any], bool], **provenance: Any) -> None:
    for path in (project.store / "outputs" / stage).glob("*/manifest.json"):
        manifest = json.loads(path.read_bytes())
        if not chosen(manifest["recipe"]):
            continue
        manifest["provenance"] |= provenance
        manifest.pop("sha256", None)
        path.write_text(json.dumps(manifest))


@pytest.fixture
def timed(finished: Any, tmp_path: Path) -> Any:
    """A finished experiment elsewhere, without a history of its own, whose steps took known times."""
    project = finished.copy(tmp_path / "timed")
    rewrite(project, "encode", seconds=32.0)  # of 16 recordings
    rewrite(project, "train", seconds=10.0)  # one epoch of 8 recordings
    rewrite(project, "distil", seconds=40.0)
    rewrite(project, "evaluate", seconds=2.0)
    return project


def estimates(project: Any, *settings: tuple[str, Any]) -> dict[str, Estimate]:
    plan = project.plan(*settings)
    found = Estimates(plan)
    return {id_: found.of(step) for id_, step in plan.steps.items()}


TEACHER = "teacher[subjects=odd,seed=0]"


def test_what_is_there_costs_nothing(timed: Any) -> None:
    assert set(estimates(timed).values()) == {Estimate(0.0, 0)}


def test_its_own_last_run(timed: Any) -> None:
    """An epoch of a minute: ten are ten minutes, but for what is fixed of it; what is left is as large as before."""
    rewrite(timed, "train", seconds=60.0)
    timed.run()
    found = estimates(timed, ("stages.teacher.fit.epochs", 10))
    assert 500.0 < found[TEACHER].seconds < 600.0
    size = found[TEACHER].bytes
    assert size == sum(file.stat().st_size for file in model_files(timed))
    assert found["distilled[subjects=odd,seed=0]"].seconds == pytest.approx(40.0)


def test_a_short_run_tells_nothing_of_a_long_one(timed: Any) -> None:
    """An epoch of 10 s may be all imports and reading; with two epochs' time, too, what is fixed is known."""
    timed.run()
    settings = ("stages.teacher.fit.epochs", 30)
    found = estimates(timed, settings)[TEACHER]
    assert found.seconds is None
    assert found.bytes > 0
    text = timed.command("status", "--set", "stages.teacher.fit.epochs=30").stdout
    (line,) = (line for line in text.splitlines() if line.startswith("teacher "))
    assert line.endswith("not measured yet")
    timed.run(("stages.teacher.fit.epochs", 2))
    rewrite_some(timed, "train", lambda recipe: recipe["params"]["fit"]["epochs"] == 2, seconds=16.0)
    assert estimates(timed, settings)[TEACHER].seconds == pytest.approx(4.0 + 30 * 6.0)


def test_an_entry_of_another_model_is_not_measured(timed: Any) -> None:
    timed.run()
    settings = [("stages.teacher.model", {"name": "trn"}), ("stages.teacher.modalities", ["skeleton"])]
    assert estimates(timed, *settings)[TEACHER] == Estimate(None, None)


def test_what_it_took_when_its_output_is_gone(timed: Any) -> None:
    timed.command("run", "--set", "seeds=[5]", "--until", "teacher")
    shutil.rmtree(timed.store / "outputs" / "train")
    plan = timed.plan(("seeds", [5]))
    took = plan.history.steps["teacher[subjects=odd,seed=5]"].seconds
    assert estimates(timed, ("seeds", [5]))["teacher[subjects=odd,seed=5]"].seconds == took > 0


def model_files(project: Any) -> list[Path]:
    plan = project.plan()
    folder = project.store / "outputs" / "train" / plan.steps[TEACHER].key
    return [path for path in folder.rglob("*") if path.is_file() and path.parent != folder]


def test_another_seed_of_its_entry(timed: Any) -> None:
    timed.run()
    found = estimates(timed, ("seeds", [7]))
    assert found["teacher[subjects=odd,seed=7]"].seconds == pytest.approx(10.0)
    assert found["evaluate[student,subjects=odd,seed=7]"].seconds == pytest.approx(2.0)


def test_another_experiment_of_the_store(timed: Any, small: dict[str, Any], tmp_path: Path) -> None:
    """By the entry's name, or else by the model."""
    timed.run()
    other = type(timed)(tmp_path / "other")
    small["stages"]["mine"] = {**small["stages"]["teacher"], "fit": {"epochs": 2}}
    other.write({**small, "store": str(timed.store), "seeds": [3]})
    found = estimates(other)
    assert found["encode[skeleton]"] == Estimate(0.0, 0)
    assert found["teacher[subjects=odd,seed=3]"].seconds == pytest.approx(10.0)
    assert found["mine[subjects=odd,seed=3]"].seconds == pytest.approx(15.0)  # 10 if all is fixed, 20 if nothing
    assert found["distilled[subjects=odd,seed=3]"].seconds == pytest.approx(40.0)


def test_more_recordings_take_longer(timed: Any) -> None:
    timed.run()
    rewrite(timed, "encode", seconds=32.0, rows={"computed": 16, "copied": 0, "kept": 0})
    found = estimates(timed, ("source.subjects", 8))  # 64 recordings
    assert found["encode[skeleton]"].seconds == pytest.approx((128.0 + 98.0) / 2)  # 10 s of 32 may be fixed
    rewrite(timed, "encode", seconds=32.0, rows={"computed": 4, "copied": 12, "kept": 0})
    assert estimates(timed, ("source.subjects", 8))["encode[skeleton]"].seconds == pytest.approx((512.0 + 362.0) / 2)


def test_nothing_is_known(project: Any) -> None:
    assert set(estimates(project).values()) == {Estimate(None, None)}
    text = project.command("status").stdout
    assert "not measured yet" in text
    assert "in all: not measured yet" in text
    listed = json.loads(project.command("status", "--json").stdout)
    assert all(step["estimate"] == {"seconds": None, "bytes": None} for step in listed["steps"])
    assert listed["estimate"]["unmeasured"] == len(listed["steps"])


@pytest.mark.parametrize(
    "told",
    [
        {"seconds": "soon"},
        {"seconds": -1.0},
        {"seconds": None},
        {"seconds": 32.0, "rows": {"computed": -4}},
        {"seconds": 32.0, "rows": {"computed": "all"}},
        {"seconds": 32.0, "rows": 7},
    ],
)
def test_manifests_that_tell_nonsense(timed: Any, told: dict[str, Any]) -> None:
    timed.run()
    rewrite(timed, "encode", **told)
    seconds = estimates(timed, ("stages.encode.skeleton.window", 8))["encode[skeleton]"].seconds
    assert seconds is None or seconds >= 0


def test_damaged_references_are_passed_over(timed: Any) -> None:
    timed.run()
    store = Store.open(str(timed.store))
    for name, content in {"a.json": b"\xff", "b.json": b"[]", "c.json": b'{"stages_file": 3}'}.items():
        store.write_ref(name, content)
    assert estimates(timed, ("seeds", [7]))["teacher[subjects=odd,seed=7]"].seconds == pytest.approx(10.0)


def test_shown_by_entry_and_in_all(timed: Any) -> None:
    timed.run()
    text = timed.command("status", "--set", "seeds=[1, 2]").stdout
    (line,) = (line for line in text.splitlines() if line.startswith("teacher "))
    assert "2 todo" in line
    assert "about 20 s, " in line
    assert "in all: about 2 min 12 s, " in text  # twice: two models, a distilled one and three evaluations
    assert "(one step after another)" in text
    listed = json.loads(timed.command("status", "--json", "--set", "seeds=[1, 2]").stdout)
    assert listed["estimate"]["seconds"] == pytest.approx(132.0)
    assert listed["estimate"]["unmeasured"] == 0


def test_what_a_remote_has_is_fetched(timed: Any, small: dict[str, Any], tmp_path: Path) -> None:
    other = type(timed)(tmp_path / "other").write({**small, "remote": [str(timed.store)]})
    text = other.command("status").stdout
    listed = json.loads(other.command("status", "--json").stdout)
    (teacher,) = (step for step in listed["steps"] if step["id"] == TEACHER)
    assert teacher["state"] == "remote"
    size = sum(file.stat().st_size for file in model_files(timed))
    assert teacher["estimate"] == {"seconds": None, "bytes": size}
    assert listed["estimate"]["fetch_bytes"] > size
    assert "to fetch" in text


def test_totals() -> None:
    total = Total()
    total.add("cached", Estimate(0.0, 0))
    assert total.as_text() == ""
    total.add("todo", Estimate(3.0, 2000))
    total.add("remote", Estimate(None, 5_000_000))
    total.add("todo", Estimate())
    assert total.as_text() == "about 3.0 s, 2.0 kB; 5.0 MB to fetch; 1 not measured yet"


def test_it_stays_quick_in_a_large_store(timed: Any, small: dict[str, Any], tmp_path: Path) -> None:
    """Fifty steps, none of them done, beside ten thousand outputs and two hundred experiments; numpy stays out."""
    timed.run()
    for number in range(10_000):
        (timed.store / "outputs" / "train" / f"{number:064x}").mkdir()
    store = Store.open(str(timed.store))
    steps = {f"x{i}[subjects=odd,seed={i}]": {"stage": "train", "key": f"{i:064x}", "seconds": 1.0} for i in range(50)}
    for number in range(200):
        store.write_ref(f"r{number}.json", msgspec.json.encode({"stages_file": "s.yaml", "steps": steps}))
    other = type(timed)(tmp_path / "other").write({**small, "store": str(timed.store), "seeds": list(range(1, 9))})
    program = "import sys; from pipeline.cli import main\ntry: main()\nfinally: print('numpy' in sys.modules)"
    arguments = [sys.executable, "-c", program, "status"]
    environment = {**os.environ, "PYTHONPATH": str(other.code)}
    times = []
    for _ in range(4):
        before = os.times()
        found = subprocess.run(arguments, cwd=other.folder, env=environment, capture_output=True, text=True, check=True)
        after = os.times()
        times.append(sum(after[2:4]) - sum(before[2:4]))  # of the processor: others may use the machine
    assert found.stdout.endswith("False\n")
    assert "8 todo" in found.stdout
    assert min(times) < 0.5
