"""What a reader of results must know of their folds: classes that a side lacks, people and samples that both have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.formatting import shortened
from pipeline.plan.steps.split import Split
from pipeline.plan.steps.step import Step
from pipeline.stagesfile.entry import Entry
from pipeline.stagesfile.experiment import Point
from trainers.evaluation.folds import SplitError
from trainers.evaluation.protocol_params import KFolds, RandomSplit, protocol_text


def check_classes(point: Point, splits: Sequence[Split]) -> None:
    """Raise ConfigError for a fold that trains on fewer than two classes.

    Not of a protocol by name: a part of a data set is planned and encoded by the protocol of the whole.
    """
    for split in () if isinstance(point.protocol, str) else splits:
        if len(split.train_labels) < 2:
            classes = ", ".join(point.source.classes[label] for label in split.train_labels)
            problem = f"fold {split.name} trains on recordings of {classes} alone"
            raise point.document.error("protocol", problem, "a model needs two classes: split in another way")


def check_validation(point: Point, entry: Entry, split: Split, share: float, teacher: Step | None) -> list[str]:
    """Check that a share of a fold's training side can be set apart, and say what is to be known of it, if anything.

    Raises
    ------
    ConfigError
        Nothing can be set apart, fewer than two classes are left, or the teacher was trained on what the student is
        validated by: what it says of these recordings would be too good, and the student's loss with it.
    """
    if not share:
        return []
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
    return [f"validation: leaves no recording of {_few(lost)} to train on"] if lost else []


def fold_notes(point: Point, splits: Sequence[Split]) -> list[str]:
    """Write a line for each thing to be known of a point's folds, but classes that the protocol leaves out."""
    known = frozenset[int]().union(*(side for split in splits for side in (split.train_labels, split.test_labels)))
    lines = []
    for what, sides in (
        ("trains", {split.name: split.train_labels for split in splits}),
        ("tests", {split.name: split.test_labels for split in splits}),
    ):
        lacking = {
            name: [point.source.classes[label] for label in sorted(known - side)] for name, side in sides.items()
        }
        if lacking := {name: classes for name, classes in lacking.items() if classes}:
            lines.append(_lacking(what, lacking, len(splits)))
    if _by_recording(point):
        both = len(frozenset[str]().union(*(split.subjects_of_both_sides() for split in splits)))
        if both:
            subjects = "one subject" if both == 1 else f"the same {both} subjects"
            lines.append(f"trains and tests on {subjects}: figures say little of new people")
        if overlapping := sum(split.overlapping() for split in splits):
            what = "one recording" if overlapping == 1 else f"{overlapping} recordings"
            lines.append(
                f"tests on {what} that overlap with ones it trains on: they share samples, so figures say too much "
                "(leave out `every`, or split by subject or session)"
            )
    repeated = any(key.partition(".")[0] == "protocol" for key in point.matrix)
    whose = f"protocol {protocol_text(point.protocol)}" if repeated else "protocol"
    usable = frozenset[int]().union(*(split.usable_labels for split in splits))
    unusable = [name for label, name in enumerate(point.source.classes) if label not in usable]
    of_all = [f"classes: no recording that can be used is of {_few(unusable)}"] if splits and unusable else []
    return [*of_all, *(f"{whose}: {line}" for line in lines)]


def _lacking(does: str, lacking: Mapping[str, Sequence[str]], count: int) -> str:
    if count == 1:
        return f"{does} on no recording of {_few(*lacking.values())}"
    listed = shortened([f"{name} ({_few(classes)})" for name, classes in lacking.items()], 3, "more")
    return f"a class is missing where it {does}, in {len(lacking)} of {count} folds: {', '.join(listed)}"


def _few(classes: Sequence[str]) -> str:
    return ", ".join(shortened(list(classes), 4, "more"))


def _by_recording(point: Point) -> bool:
    protocol = point.protocol
    return (
        protocol == "random"
        or isinstance(protocol, RandomSplit)
        or (isinstance(protocol, KFolds) and protocol.by == "id")
    )
