"""What outputs hold that are read back outside of their stages, typed: a store may have been written by anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from pipeline.sources.base import Recording
from trainers.robustness.conditions import Condition, Harm

if TYPE_CHECKING:
    from store import Output


class BrokenStream(msgspec.Struct, frozen=True):
    """An item of the index's ``broken.json``; `recording` is empty where no name says which it is."""

    recording: str
    stream: str
    path: str
    reason: str


class SkippedRecording(msgspec.Struct, frozen=True):
    """An item of an encode output's ``skipped.json``: whose row is empty, and why."""

    recording: str
    reason: str


class Metrics(msgspec.Struct, frozen=True):
    """What results read of ``metrics.json``, as fractions."""

    top1: float
    macro_f1: float
    vskd_f1: float  # as VSKD's tables have it, see `trainers.evaluation.metrics`
    per_modality: Mapping[str, float]


class PredictedRecording(msgspec.Struct, frozen=True):
    """A line of ``predictions.jsonl``."""

    recording: str
    subject: str
    label: str
    predicted: str
    probability: float


class ConditionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """An item of ``conditions`` in ``robustness.json``: a condition, and its figures as fractions."""

    top1: float
    macro_f1: float
    absent: tuple[str, ...] = ()
    modality: str | None = None
    harm: Harm | None = None
    strength: float | None = None

    @property
    def condition(self) -> Condition:
        """The condition alone."""
        return Condition(self.absent, self.modality, self.harm, self.strength)


class _Robustness(msgspec.Struct, frozen=True):
    conditions: list[ConditionFigures]


class EpochFigures(msgspec.Struct, frozen=True):
    """An item of ``history.json``; accuracies as fractions, those of validation where recordings are set apart."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None


def index_rows(index: Output) -> Iterator[Recording]:
    """Yield the index's recordings in row order; CorruptObject where its content is something else."""
    return index.read_lines("recordings.jsonl", Recording)


def broken_items(index: Output) -> list[BrokenStream]:
    """Return what the index found broken; CorruptObject where that cannot be told."""
    return index.read_json("broken.json", list[BrokenStream])


def skipped_items(encoded: Output) -> list[SkippedRecording]:
    """Return which rows of an encode output are empty; CorruptObject where that cannot be told."""
    entry = encoded.entries.get("skipped.json")
    if entry is None or entry.size <= len("[]"):  # as the manifest says, which is read in any case
        return []
    return encoded.read_json("skipped.json", list[SkippedRecording])


def metrics_of(evaluation: Output) -> Metrics:
    """Return an evaluate output's figures; CorruptObject where its content is something else."""
    return evaluation.read_json("metrics.json", Metrics)


def conditions_of(tested: Output) -> list[ConditionFigures]:
    """Return a robustness output's figures; CorruptObject where its content is something else."""
    return tested.read_json("robustness.json", _Robustness).conditions


def predictions_of(evaluation: Output) -> Iterator[PredictedRecording]:
    """Yield an evaluate output's predictions; CorruptObject where its content is something else."""
    return evaluation.read_lines("predictions.jsonl", PredictedRecording)


def history_of(trained: Output) -> list[EpochFigures]:
    """Return a training's figures by epoch; CorruptObject where its content is something else."""
    return trained.read_json("history.json", list[EpochFigures])
