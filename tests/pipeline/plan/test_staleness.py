"""What a change of the stages file or of the data makes stale, and what is said about it."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

SEEDLESS = "subjects=odd,seed=0"
TEACHER = f"teacher[{SEEDLESS}]"
STUDENT = f"student[{SEEDLESS}]"
DISTILLED = f"distilled[{SEEDLESS}]"


def evaluate(entry: str) -> str:
    return f"evaluate[{entry},{SEEDLESS}]"


def test_nothing_changed(finished: Any) -> None:
    assert finished.reasons() == {}


def test_nothing_has_run(project: Any) -> None:
    reasons = project.reasons()
    assert len(reasons) == 9
    assert set(map(tuple, reasons.values())) == {("has not run yet",)}
    assert not project.store.exists()


def test_a_students_parameter(finished: Any) -> None:
    reasons = finished.reasons(("stages.student.fit.epochs", 2))
    assert reasons == {
        STUDENT: ["parameter fit.epochs: 1 -> 2"],
        evaluate("student"): [f"input {STUDENT} changed"],
    }


def test_a_parameter_that_outputs_were_made_without(finished: Any) -> None:
    """It came later, and enters no key unless it is set: outputs of before stay."""
    assert "balance" not in finished.plan().steps[STUDENT].recipe["params"]["fit"]
    reasons = finished.reasons(("stages.student.fit.balance", "loss"))
    assert reasons == {
        STUDENT: ["parameter fit.balance: unset -> loss"],
        evaluate("student"): [f"input {STUDENT} changed"],
    }


def test_a_students_model_parameter(finished: Any) -> None:
    reasons = finished.reasons(("stages.student.model", {"name": "dmft-lite", "layers": 1}))
    assert reasons.keys() == {STUDENT, evaluate("student")}
    (reason,) = reasons[STUDENT]
    assert reason.startswith("parameter model.layers: ")
    assert reason.endswith(" -> 1")


def test_the_teachers_parameter(finished: Any) -> None:
    reasons = finished.reasons(("stages.teacher.fit.lr", 0.01))
    assert reasons == {
        TEACHER: ["parameter fit.lr: 0.001 -> 0.01"],
        DISTILLED: [f"input {TEACHER} changed"],
        evaluate("teacher"): [f"input {TEACHER} changed"],
        evaluate("distilled"): [f"input {DISTILLED} changed"],
    }


def test_the_losss_parameter(finished: Any) -> None:
    reasons = finished.reasons(("stages.distilled.loss.temperature", 3))
    assert reasons.keys() == {DISTILLED, evaluate("distilled")}
    assert reasons[DISTILLED][0].startswith("parameter loss.temperature: ")


def test_an_inertial_window(finished: Any) -> None:
    """That modality's encode and what reads it; not the skeleton's."""
    reasons = finished.reasons(("stages.encode.inertial.window", 24))
    assert reasons["encode[inertial]"] == ["parameter window: 18.0 -> 24.0"]
    assert "encode[skeleton]" not in reasons
    assert reasons.keys() == {
        "encode[inertial]", TEACHER, STUDENT, DISTILLED, *map(evaluate, ("teacher", "student", "distilled"))
    }  # fmt: skip
    assert reasons[TEACHER] == ["input encode[inertial] changed"]
    assert reasons[DISTILLED] == ["input encode[inertial] changed", f"input {TEACHER} changed"]


def test_a_modality_that_is_not_read(finished: Any) -> None:
    """A student of one modality reads that one alone."""
    settings = [("stages.student.modalities", ["skeleton"])]
    reasons = finished.reasons(*settings, ("stages.encode.inertial.window", 24))
    student = finished.plan(*settings).steps[STUDENT]
    assert student.needs == ("encode[skeleton]",)
    assert finished.plan(*settings, ("stages.encode.inertial.window", 24)).steps[STUDENT].key == student.key
    assert "parameter modalities: ['skeleton', 'inertial'] -> ['skeleton']" in reasons[STUDENT]


def test_a_seed(finished: Any) -> None:
    reasons = finished.reasons(("seeds", [0, 1]))
    trained = ("teacher", "student", "distilled")
    steps = [f"{entry}[" for entry in trained] + [f"evaluate[{entry}," for entry in trained]
    assert reasons.keys() == {f"{step}subjects=odd,seed=1]" for step in steps}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("stages.encode.inertial.window", 18),
        ("stages.encode.inertial.window", 18.0),
        ("stages.encode.skeleton", {"window": 6, "stride": 3.0, "patches": 20}),
        ("stages.teacher.fit", {"epochs": 1, "lr": 1e-3, "warmup": 5, "clip": 1, "weight_decay": 0.01}),
        ("stages.teacher.fit.balance", "none"),
        ("stages.teacher.model", {"name": "dmft"}),
        ("stages.student.augment", {"time_warp": 0.2, "skeleton_rotation": 10}),
        ("stages.evaluate.stage", "evaluate"),
        ("stages.student.modalities", ["inertial", "skeleton"]),
        ("modalities", ["inertial", "skeleton"]),
        ("on_bad_recording", "skip"),
        ("matrix", {"protocol": ["subject-50-50"]}),
        ("remote", []),
    ],
)
def test_what_changes_nothing(finished: Any, key: str, value: Any) -> None:
    """Defaults written out, order, where things lie, and what is done about broken recordings."""
    assert {step.key for step in finished.plan((key, value)).steps.values()} == {
        step.key for step in finished.plan().steps.values()
    }


def test_order_of_entries_and_their_names_change_nothing(finished: Any, small: dict[str, Any], tmp_path: Path) -> None:
    stages = small["stages"]
    renamed = {
        "measure": {"stage": "evaluate", "needs": ["mine"]},
        "mine": {**stages["student"], "needs": ["features"]},
        "features": {"stage": "encode"},
    }
    project = type(finished)(tmp_path / "renamed").write({**small, "store": str(finished.store), "stages": renamed})
    plan = project.plan()
    assert set(plan.states.values()) == {"cached"}
    assert list(plan.steps) == [
        "index", "features[skeleton]", "features[inertial]", f"mine[{SEEDLESS}]", f"measure[mine,{SEEDLESS}]"
    ]  # fmt: skip


def test_matrix_over_modalities_shares_encode(finished: Any) -> None:
    plan = finished.plan(("matrix", {"modalities": [["skeleton"], ["inertial"], ["skeleton", "inertial"]]}))
    assert [step for step in plan.steps if step.startswith("encode")] == ["encode[skeleton]", "encode[inertial]"]
    assert [step for step in plan.steps if step.startswith("teacher")] == [
        f"teacher[modalities=skeleton,{SEEDLESS}]",
        f"teacher[modalities=inertial,{SEEDLESS}]",
        f"teacher[modalities=skeleton+inertial,{SEEDLESS}]",
    ]
    cached = {id_ for id_, state in plan.states.items() if state == "cached"}
    assert {"index", "encode[skeleton]", "encode[inertial]"} <= cached
    assert f"teacher[modalities=skeleton+inertial,{SEEDLESS}]" in cached


def test_matrix_over_two_keys_that_end_alike_loses_no_step(finished: Any) -> None:
    plan = finished.plan(("matrix", {"stages.teacher.fit.epochs": [1, 2], "stages.student.fit.epochs": [1, 2]}))
    for entry, count in (("teacher", 2), ("student", 2), ("distilled", 2), ("evaluate", 6), ("encode", 2)):
        steps = [step for step in plan.steps.values() if step.entry == entry]
        assert len(steps) == len({step.key for step in steps}) == count, entry


def test_matrix_over_models_loses_no_step(finished: Any) -> None:
    plan = finished.plan(("matrix", {"stages.teacher.model": ["dmft", "dmft-lite"]}))
    steps = [step for step in plan.steps.values() if step.entry == "evaluate"]
    # a teacher that is a dmft-lite with the student's parameters is the student: one step, two names
    assert [sorted(label["model"] for label in step.labels) for step in steps] == [
        ["teacher"], ["student", "student", "teacher"], ["distilled"], ["distilled"]
    ]  # fmt: skip
    assert all(need in plan.steps for step in plan.steps.values() for need in step.needs)


def test_entries_that_are_alike_share_steps_and_keep_their_names(finished: Any) -> None:
    from pipeline.run.selection import select_steps

    alike = {"stage": "train", "needs": ["encode"], "model": "dmft-lite", "fit": {"epochs": 1}}
    plan = finished.plan(("stages.twin", alike))
    assert len(plan.steps) == 9
    assert set(select_steps(plan, "twin", None)) == {"index", "encode[skeleton]", "encode[inertial]", STUDENT}
    assert set(select_steps(plan, None, "twin")) == {STUDENT}


def test_loso_expands_by_subject(finished: Any) -> None:
    plan = finished.plan(("protocol", "loso"), ("source.subjects", 3))
    assert [step for step in plan.steps if step.startswith("teacher")] == [
        "teacher[subject=1,seed=0]",
        "teacher[subject=2,seed=0]",
        "teacher[subject=3,seed=0]",
    ]
    distilled = plan.steps["distilled[subject=2,seed=0]"]
    assert "teacher[subject=2,seed=0]" in distilled.needs
    assert distilled.work["split"].as_work()["test_recordings"] == [
        [id_, "2"] for id_ in sorted(r.id for r in plan.table.listing.recordings) if "_s2_" in id_
    ]


def test_more_recordings(finished: Any) -> None:
    reasons = finished.reasons(("source.trials", 2))
    assert "source.trials: 1 -> 2" in reasons["index"]
    assert "source.trials: 1 -> 2" in reasons["encode[skeleton]"]
    assert "the table of recordings changed" in reasons["encode[skeleton]"]
    assert "the fold's train side: 8 -> 16 recordings" in reasons[TEACHER]


def test_a_fold_is_named_by_what_is_in_it(finished: Any) -> None:
    """Another protocol that splits alike has the same keys."""
    split = finished.plan(("protocol", "cross-subject"))  # the first 80 % of two subjects: subject 1
    assert split.states["teacher[subjects=1..1,seed=0]"] == "cached"


@pytest.fixture
def on_files(project: Any, small: dict[str, Any], raw: Path) -> Any:
    """The experiment on files, encoded."""
    project.write({**small, "source": {"name": "utd-mhad", "root": str(raw)}})
    project.run(until="encode")
    assert "stages.lock" in os.listdir(project.folder)
    return project


def rewrite(path: Path, change: bytes = b"") -> None:
    content = bytearray(path.read_bytes())
    content[20] ^= 1  # within the text at the head of a .mat file
    path.write_bytes(bytes(content) + change)
    past = time.time() - 60
    os.utime(path, (past, past))


def test_a_raw_file_changed(on_files: Any, raw: Path) -> None:
    rewrite(raw / "Inertial" / "a1_s1_t1_inertial.mat")
    reasons = on_files.reasons()
    assert reasons.keys() >= {"index", "encode[inertial]", TEACHER}
    assert "encode[skeleton]" not in reasons
    (reason,) = reasons["encode[inertial]"]
    digests = r"\([0-9a-f]{8} -> [0-9a-f]{8}\)"
    assert re.fullmatch(rf"raw file Inertial/a1_s1_t1_inertial\.mat changed {digests}", reason)


def test_a_raw_file_grew(on_files: Any, raw: Path) -> None:
    path = raw / "Inertial" / "a1_s1_t1_inertial.mat"
    size = path.stat().st_size
    rewrite(path, b"more")
    (reason,) = on_files.reasons()["encode[inertial]"]
    assert reason.endswith(f"changed ({size} -> {size + 4} bytes)")


def test_a_raw_file_is_touched_and_nothing_is_stale(on_files: Any, raw: Path) -> None:
    (raw / "Inertial" / "a1_s1_t1_inertial.mat").touch()
    assert not on_files.reasons().keys() & {"index", "encode[inertial]", "encode[skeleton]"}


def test_a_recording_is_gone(on_files: Any, raw: Path) -> None:
    for folder, stream in (("Inertial", "inertial"), ("Skeleton", "skeleton")):
        (raw / folder / f"a2_s1_t1_{stream}.mat").unlink()
    reasons = on_files.reasons()
    assert "raw file Skeleton/a2_s1_t1_skeleton.mat is gone" in reasons["encode[skeleton]"]
    assert "the table of recordings changed" in reasons["encode[skeleton]"]


def test_a_weights_file(finished: Any, tmp_path: Path) -> None:
    """By content: another name of it changes nothing, other bytes do."""
    (tmp_path / "a.pth").write_bytes(b"one")
    (tmp_path / "b.pth").write_bytes(b"one")
    (tmp_path / "c.pth").write_bytes(b"two")
    settings = [("modalities", ["rgb", "skeleton"])]
    keys = [
        finished.plan(*settings, ("stages.encode.rgb.weights", str(tmp_path / f"{name}.pth"))).steps["encode[rgb]"].key
        for name in "abc"
    ]
    assert keys[0] == keys[1] != keys[2]


def test_an_output_that_went_away(finished: Any, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "copy")
    project.command("run")  # all cached: remembers what is there under this path
    plan = project.plan()
    project.remove("train", plan.steps[TEACHER].key)
    assert project.reasons() == {TEACHER: ["its output is no longer in the store"]}


def test_explain_says_it_on_the_command_line(finished: Any) -> None:
    setting = ("--set", "stages.encode.inertial.window=24")
    assert "because parameter window: 18.0 -> 24.0" in finished.command("explain", "encode", *setting).stdout
    whole = finished.command("explain", TEACHER, *setting).stdout
    assert "because input encode[inertial] changed" in whole
    assert '"stage": "train"' in whole
    assert "no such entry or step" in finished.command("explain", "techer", code=2).stderr
