"""The part of a fold that an entry sets apart for validation, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.plan.steps.split import Split
from pipeline.plan.steps.step import Step
from pipeline.stagesfile.experiment import Entry, Point
from trainers.evaluation.folds import SplitError


def check_validation(point: Point, entry: Entry, split: Split, share: float, teacher: Step | None) -> str:
    """Check that a share of a fold's training side can be set apart, and say what is to be known of it, if anything.

    Raises
    ------
    ConfigError
        Nothing can be set apart, fewer than two classes are left, or the teacher was trained on what the student is
        validated by: what it says of these recordings would be too good, and the student's loss with it.
    """
    if not share:
        return ""
    of_entry: Any = entry.body.get("fit")
    own = isinstance(of_entry, Mapping) and "validation" in of_entry
    key = f"{entry.dotted_key}.fit.validation" if own else "fit.validation"
    try:
        left = split.labels_left(share)
    except SplitError as error:
        raise point.document.error(key, f"fold {split.name}: {error.problem}", error.remedy) from None
    if len(left) < min(2, len(split.train_labels)):
        problem = f"leaves one class to train on in fold {split.name}"
        raise point.document.error(key, problem, "set less apart, or add recordings of other classes")
    if teacher is not None and split.validation(teacher.work["validation"]) != split.validation(share):
        problem = f"sets {share:g} apart, and the teacher {teacher.entry} {teacher.work['validation']:g}"
        remedy = "give both the same, as `fit` at the top does: else the teacher knows recordings that validate"
        raise point.document.error(key, problem, remedy)
    lost = [point.source.classes[label] for label in sorted(split.train_labels - left)]
    return f"validation: leaves no recording of {', '.join(lost)} to train on" if lost else ""
