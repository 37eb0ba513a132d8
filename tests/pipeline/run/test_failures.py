"""A failing step fails only what needs it; options that name nothing are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

ODD = "subjects=odd,seed=0"
DIVERGES = ("--set", "stages.teacher.fit={epochs: 3, lr: 1.0e+38, warmup: 0, clip: 0}")


@pytest.fixture(scope="module")
def failed(finished: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run whose teacher diverges, in a copy without trained models."""
    project = finished.copy(tmp_path_factory.mktemp("failed") / "project")
    plan = project.plan()
    for step in plan.steps.values():
        if step.stage in ("train", "distil", "evaluate"):
            project.remove(step.stage, step.key)
    return project, project.command("run", "--json", *DIVERGES, code=1)


def test_only_what_needs_it_fails(failed: Any) -> None:
    outcome = json.loads(failed[1].stdout)
    assert set(outcome["done"]) == {f"student[{ODD}]", f"evaluate[student,{ODD}]"}
    assert set(outcome["failed"]) == {
        f"teacher[{ODD}]", f"distilled[{ODD}]", f"evaluate[teacher,{ODD}]", f"evaluate[distilled,{ODD}]"
    }  # fmt: skip
    states = {step["id"]: step["state"] for step in outcome["steps"]}
    assert {id_ for id_, state in states.items() if state != "cached"} == set(outcome["failed"])


def test_the_message_says_why(failed: Any) -> None:
    lines = failed[1].stderr.splitlines()
    assert any(line.startswith(f"error: teacher[{ODD}]: ") and "loss" in line for line in lines), lines
    assert f"left out: distilled[{ODD}], because it needs teacher[{ODD}]" in lines
    assert f"left out: evaluate[teacher,{ODD}], because it needs teacher[{ODD}]" in lines
    assert f"left out: evaluate[distilled,{ODD}], because it needs distilled[{ODD}]" in lines


def test_results_show_what_there_is(failed: Any) -> None:
    project, _ = failed
    rows = json.loads(project.command("results", "--json", *DIVERGES).stdout)
    assert {row["model"] for row in rows} == {"student"}


@pytest.mark.parametrize("option", ["--until", "--only", "--force"])
def test_an_unknown_entry(finished: Any, option: str) -> None:
    said = finished.command("run", option, "studnet", code=2).stderr
    assert f"error: {option} studnet: no such entry in stages.yaml" in said
    assert "did you mean `student`? known: index, encode, teacher, student, distilled, evaluate" in said


def test_only_and_until_exclude_each_other(finished: Any) -> None:
    assert "exclude each other" in finished.command("run", "--only", "encode", "--until", "encode", code=2).stderr


def test_only_needs_its_inputs(finished: Any, project: Any) -> None:
    said = project.command("run", "--only", "student", code=2).stderr
    assert "--only student: needs encode[" in said
    assert "use --until student" in said
    setting = ("--set", "stages.encode.inertial.window=24")
    assert "needs encode[inertial]" in finished.command("run", "--only", "student", *setting, code=2).stderr


def test_until_and_only_choose(finished: Any) -> None:
    from pipeline.run.selection import select_steps

    plan = finished.plan(("seeds", [0, 1]))
    assert {step.entry for step in select_steps(plan, "distilled", None).values()} == {
        "index", "encode", "teacher", "distilled"
    }  # fmt: skip
    assert {step.entry for step in select_steps(plan, None, "student").values()} == {"student"}
    assert len(select_steps(plan, None, None)) == len(plan.steps)


def test_dry_run_writes_nothing(project: Any) -> None:
    before = sorted(project.folder.rglob("*"))
    shown = project.command("run", "--dry-run").stdout
    assert "has not run yet" in shown
    assert sorted(project.folder.rglob("*")) == before


def test_force_runs_an_entry_again(finished: Any, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "copy")
    plan = project.plan()
    key = plan.steps["encode[skeleton]"].key
    before = plan.store.manifest("encode", key)
    outcome = json.loads(project.command("run", "--force", "encode", "--until", "encode", "--json").stdout)
    assert sorted(outcome["done"]) == ["encode[inertial]", "encode[skeleton]"]
    after = project.plan().store.manifest("encode", key)
    assert after.attempt != before.attempt
    assert after.objects == before.objects
    assert set(project.plan().states.values()) == {"cached"}


def test_broken_recordings_are_skipped_and_shift_no_row(project: Any, small: dict[str, Any], raw: Path) -> None:
    """Rows stay where they are, those of broken recordings empty; training and evaluation leave them out."""
    from store.features import open_features

    broken = {
        "a1_s1_t1": ("Inertial/a1_s1_t1_inertial.mat", "inertial"),
        "a3_s2_t1": ("Skeleton/a3_s2_t1_skeleton.mat", "skeleton"),
    }
    values = np.full((100, 6), np.nan)
    savemat(raw / "Inertial" / "a1_s1_t1_inertial.mat", {"d_iner": values})
    (raw / "Skeleton" / "a3_s2_t1_skeleton.mat").write_bytes(b"half")
    (raw / "Inertial" / "a4_s1_t1_inertial.mat").unlink()
    small["stages"] = {name: small["stages"][name] for name in ("encode", "student")}
    small["stages"]["evaluate"] = {"needs": ["student"]}
    small["source"] = {"name": "utd-mhad", "root": str(raw)}
    refused = project.write(small).command("run", code=1).stderr
    assert "error: index: 3 files cannot be used:" in refused
    assert "on_bad_recording: skip" in refused

    project.write({**small, "on_bad_recording": "skip"}).run()
    shown = project.command("status").stdout
    assert "cannot be used: 3 recordings" in shown
    for path, _ in broken.values():
        assert f"  {path}: " in shown
    assert "  Inertial/a4_s1_t1_inertial.mat: file is missing" in shown

    plan = project.plan()
    ids = [r.id for r in plan.table.listing.recordings]
    lost = {"inertial": {"a01_s1_t1", "a04_s1_t1"}, "skeleton": {"a03_s2_t1"}}
    for name, without in lost.items():
        features = open_features(plan.store.output("encode", plan.steps[f"encode[{name}]"].key))
        valid = features.read("valid").any(1)
        assert {id_ for id_, usable in zip(ids, valid, strict=True) if not usable} == without
        alone = type(project)(project.folder.with_name(name)).write({**small, "modalities": [name]})
        whole = whole_features(alone, raw.parent / "whole", raw, name)
        kept = np.array([id_ not in without for id_ in ids])
        np.testing.assert_array_equal(features.read("features")[kept], whole[kept])

    rows = project.command("results", "--per-recording").stdout.splitlines()[1:]
    seen = [row.split(",") for row in rows]
    expected = [(r.id, r.action) for r in plan.table.listing.recordings if r.subject == "2" and r.id != "a03_s2_t1"]
    assert [(row[5], row[7]) for row in seen] == expected

    project.write(small)
    stopped = project.command("run", code=1).stderr  # the same index, and a user who no longer accepts that
    assert "3 recordings cannot be used:" in stopped


def whole_features(project: Any, root: Path, raw: Path, name: str) -> Any:
    """Return the features of the dataset before it was broken."""
    from store.features import open_features

    values = {"source": {"name": "sample", "subjects": 2, "trials": 1}, "modalities": [name]}
    whole = {"protocol": "subject-50-50", "stages": {"encode": {}}, **values}
    project.write(whole).run()
    plan = project.plan()
    ids = [r.id for r in plan.table.listing.recordings]
    assert ids == sorted(ids)
    return open_features(plan.store.output("encode", plan.steps[f"encode[{name}]"].key)).read("features")
