"""``status`` compares with the stages file's own last run, and that of a trial with the trial's own."""

from __future__ import annotations

from typing import Any

STUDENT = "student[subjects=odd,seed=0]"
EPOCHS = "stages.student.fit.epochs"


def edit(project: Any, small: dict[str, Any], **fit: Any) -> None:
    small["stages"]["student"]["fit"] = {"epochs": 1} | fit
    project.write(small)


def test_after_a_trial_the_file_is_compared_with_its_own_run(
    finished: Any, small: dict[str, Any], tmp_path: Any
) -> None:
    project = finished.copy(tmp_path / "tried")
    project.run()  # at this path it is another experiment
    trial = ((EPOCHS, 2), ("seeds", [0, 1]))
    assert len(project.run(*trial)) == 8
    assert project.reasons() == {}
    edit(project, small, lr=0.01)
    assert project.reasons()[STUDENT] == ["parameter fit.lr: 0.001 -> 0.01"]
    assert project.reasons(*trial)[STUDENT] == ["parameter fit.lr: 0.001 -> 0.01"]
    assert project.reasons((EPOCHS, 3))[STUDENT] == ["parameter fit.epochs: 1 -> 3", "parameter fit.lr: 0.001 -> 0.01"]
    edit(project, small | {"seeds": [0, 1]}, epochs=3)
    assert project.reasons()["student[subjects=odd,seed=1]"] == ["has not run yet"]
    assert project.reasons(*trial) == {}


def test_what_only_a_trial_has_done_the_file_has_not(project: Any) -> None:
    project.run((EPOCHS, 2))
    reasons = project.reasons()
    assert reasons.keys() == {STUDENT, f"evaluate[student,{STUDENT[8:]}"}
    assert {*map(tuple, reasons.values())} == {("has not run yet",)}
    assert project.reasons((EPOCHS, 2)) == {}
