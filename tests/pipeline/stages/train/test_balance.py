"""Training and distillation on unequal classes, through the whole program."""

from __future__ import annotations

from typing import Any

from pipeline.report.results_text import results_text


def test_balanced_models_beside_one_that_is_not(finished: Any, tmp_path: Any) -> None:
    project = finished.copy(tmp_path / "copy")
    few = {"subject": 1, "label": ["wave", "push", "squat"]}
    settings = (
        ("protocol", {"folds": [{"name": "a", "train": few}]}),
        ("stages.student.fit.balance", "loss"),
        ("stages.distilled.fit.balance", "sampling"),
    )
    assert len(project.run(*settings)) == 6
    text = results_text(project.plan(*settings))
    assert text.splitlines()[2].split() == ["model", "modalities", "top-1", "%", "macro", "F1", "%", "seeds"]
    assert {line.split()[0] for line in text.splitlines()[4:7]} == {"teacher", "student", "distilled"}
    assert "note: protocol: trains on no recording of swipe_left, " in text
