"""One fold's recordings, as the steps that train and test on them share them: a plan may have a million."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from pipeline.errors import ConfigError
from pipeline.formatting import shortened
from pipeline.plan.recordings.overlap import Overlap
from pipeline.plan.recordings.table import Table
from pipeline.plan.recordings.unusable import Broken
from pipeline.sources.base import Recording
from pipeline.stagesfile.experiment import Point
from pipeline.stagesfile.schema import did_you_mean
from store.canonical import digest_rows
from trainers.errors import TrainingError
from trainers.evaluation.folds import Fold, SplitError
from trainers.evaluation.protocols import folds
from trainers.evaluation.validation import validation_ids
from trainers.evaluation.written_protocols import written_folds


class Split:
    """The rows of both sides; what is derived from them is made when it is asked for, and digests once.

    Parameters
    ----------
    name
        Of the fold.
    recordings
        The table, in row order.
    train, test
        Rows in it.
    labels
        The number of each row's class.
    usable_labels
        The classes that recordings are of which can be used, on whichever side, or on none.
    overlap
        Of the table.
    """

    def __init__(
        self,
        name: str,
        recordings: Sequence[Recording],
        train: Iterable[int],
        test: Iterable[int],
        labels: Sequence[int],
        usable_labels: frozenset[int],
        overlap: Overlap,
    ) -> None:
        self.name, self.usable_labels, self._overlap = name, usable_labels, overlap
        self._recordings, self._labels = recordings, labels
        self._train, self._test = array("q", train), array("q", test)
        self._validation: dict[float, tuple[array[int], Mapping[str, Any]]] = {}  # rows and recipe by share

    def __eq__(self, other: object) -> bool:
        """Tell a split of the same recordings, whatever the protocol is called."""
        return isinstance(other, Split) and (self.train, self.test) == (other.train, other.test)

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def train(self) -> Mapping[str, Any]:
        """The training side as a recipe has it: how many recordings, and the digest of their ids and labels."""
        return _side(len(self._train), self._labelled(self._train))

    @cached_property
    def test(self) -> Mapping[str, Any]:
        """The test side as a recipe of training has it."""
        return _side(len(self._test), self._labelled(self._test))

    @cached_property
    def test_with_subjects(self) -> Mapping[str, Any]:
        """The test side as a recipe of evaluation has it: with subjects, too."""
        recordings, labels = self._recordings, self._labels
        return _side(len(self._test), ([(r := recordings[row]).id, r.subject, labels[row]] for row in self._test))

    @property
    def is_tested(self) -> bool:
        """Whether the fold has a test side."""
        return bool(self._test)

    @cached_property
    def train_labels(self) -> frozenset[int]:
        """The classes that the training recordings are of."""
        return frozenset(map(self._labels.__getitem__, self._train))

    @cached_property
    def test_labels(self) -> frozenset[int]:
        """The classes that the test recordings are of."""
        return frozenset(map(self._labels.__getitem__, self._test))

    def validation(self, share: float) -> Mapping[str, Any]:
        """Return the part of the training side that validates, as a recipe has it; SplitError where there is none."""
        return self._set_apart(share)[1]

    def labels_left(self, share: float) -> frozenset[int]:
        """Return the classes of the training recordings that do not validate."""
        apart = {*self._set_apart(share)[0]}
        return frozenset(self._labels[row] for row in self._train if row not in apart)

    def subjects_of_both_sides(self) -> frozenset[str]:
        """Return the subjects who have recordings on both sides."""
        sides = ({r.subject for r in self._of(rows)} for rows in (self._train, self._test))
        return frozenset(set.intersection(*sides))

    def overlapping(self) -> int:
        """Return how many test recordings share samples with training ones: windows of one stretch that overlap."""
        return self._overlap.count(self._train, self._test)

    def as_work(self, validation: float = 0.0) -> dict[str, Any]:
        """Return rows and labels of both sides, and ids and subjects of the test side, for a job.

        A share of the training side is apart from it, for validation.
        """
        rows, _ = self._set_apart(validation)
        apart = {*rows}
        return {
            "train": self._rows(row for row in self._train if row not in apart),
            "validation": self._rows(rows),
            "test": self._rows(self._test),
            "test_recordings": [[r.id, r.subject] for r in self._of(self._test)],
        }

    def _of(self, rows: array[int]) -> Iterator[Recording]:
        return map(self._recordings.__getitem__, rows)

    def _labelled(self, rows: array[int]) -> Iterator[list[Any]]:
        recordings, labels = self._recordings, self._labels
        return ([recordings[row].id, labels[row]] for row in rows)

    def _set_apart(self, share: float) -> tuple[array[int], Mapping[str, Any]]:
        if share not in self._validation:
            subjects = {r.subject for r in self._of(self._test)}
            ids = validation_ids(list(self._of(self._train)), subjects, share) if share else frozenset[str]()
            rows = array("q", (row for row in self._train if self._recordings[row].id in ids))
            self._validation[share] = rows, _side(len(rows), self._labelled(rows))
        return self._validation[share]

    def _rows(self, rows: Iterable[int]) -> list[list[int]]:
        return [[row, self._labels[row]] for row in rows]


def _side(count: int, rows: Iterable[list[Any]]) -> Mapping[str, Any]:
    return {"recordings": count, "digest": digest_rows(rows)}


def make_splits(point: Point, table: Table, broken: Broken, skipped: Collection[str]) -> tuple[Split, ...]:
    """Split the recordings that have all streams of the point's modalities, and a row in all of its features.

    All models of a point are trained and tested on the same recordings, so that they can be compared.
    """
    streams = {s for name in point.experiment.modalities for s in point.source.modalities[name].streams}
    recordings = table.listing.recordings
    usable = [
        r
        for r in recordings
        if r.id not in skipped
        and (not table.present or streams <= r.streams.keys())
        and streams.isdisjoint(broken.get(r.id, ()))
    ]
    if recordings and not usable:
        raise _none_usable(recordings, streams, broken)
    protocol = point.protocol
    try:
        sides = folds(protocol, usable) if isinstance(protocol, str) else written_folds(protocol, usable, recordings)
    except SplitError as error:
        key = f"protocol.{error.key}" if error.key else "protocol"
        raise point.document.error(key, error.problem, error.remedy) from None
    except TrainingError as error:
        raise point.document.error("protocol", str(error), "choose another protocol, or check the recordings") from None
    if point.fold:
        sides = _only(point, sides)
    rows = {r.id: row for row, r in enumerate(recordings)}
    label_of = {action: label for label, action in enumerate(point.source.classes)}
    labels = [label_of[r.action] for r in recordings]
    usable_labels = frozenset(label_of[action] for action in {r.action for r in usable})
    row_of, overlap = rows.__getitem__, Overlap(recordings)
    return tuple(
        Split(fold.name, recordings, map(row_of, fold.train), map(row_of, fold.test), labels, usable_labels, overlap)
        for fold in sides
    )


def _only(point: Point, sides: Sequence[Fold]) -> tuple[Fold, ...]:
    """Return the one fold of a point; ConfigError where `by_fold` names another one than there are, or not all."""
    names, named = [fold.name for fold in sides], point.experiment.by_fold
    if point.fold not in names:
        raise point.document.error(f"by_fold.{point.fold}", "no such fold", did_you_mean(point.fold, names))
    if missing := [name for name in names if name not in named]:
        remedy = f"name it, too: `{missing[0]}: {{}}` for what the file says elsewhere"
        raise point.document.error("by_fold", f"does not name fold {missing[0]}", remedy)
    return tuple(fold for fold in sides if fold.name == point.fold)


def _none_usable(recordings: Sequence[Recording], streams: Collection[str], broken: Broken) -> ConfigError:
    """Say why no recording can be used: a few reasons, of different streams and files."""
    reasons = [reason for of in broken.values() for stream, reason in of.items() if stream in streams]
    for stream in sorted(streams):
        if lacking := [r.id for r in recordings if stream not in r.streams]:
            reasons.append(f"{len(lacking)} recordings have no {stream}, such as {lacking[0]}")
    listed = "".join(f"\n  {reason}" for reason in shortened(reasons, 5, "more, see `pipeline inspect`"))
    return ConfigError(
        f"none of {len(recordings)} recordings can be used:{listed}\n  repair them, or how they are read"
    )
