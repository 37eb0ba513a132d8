"""The trail of a search: every trial with its settings, what it came to, and where that stands in the store."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.tune.study import Study
from pipeline.tune.trial import Trial, best_of

FORMAT = 1


class ScoreRecord(msgspec.Struct, frozen=True):
    """Top-1 in percent on one inner fold with one seed, and the evaluation's key."""

    fold: str
    seed: int
    top1: float
    key: str


class TrialRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A trial; `value` is the mean over inner folds and seeds, `std` the deviation over folds, both in percent.

    Attributes
    ----------
    blamed
        The key of the step that failed because of the settings; empty where none did.
    """

    number: int
    state: str  # complete or failed
    settings: dict[str, Any]
    value: float | None = None
    std: float | None = None
    scores: list[ScoreRecord] = []
    seconds: float = 0.0
    reason: str = ""
    blamed: str = ""


class FoldRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The search for one fold of the experiment.

    Attributes
    ----------
    inner
        By inner fold, what it tests: subjects, or what else the folds are by.
    best
        The number of the trial that was found.
    """

    fold: str
    by: str
    inner: dict[str, list[str]]
    best: int | None
    trials: list[TrialRecord]


class Trail(msgspec.Struct, frozen=True, kw_only=True):
    """The search for one entry's settings."""

    format: int = FORMAT
    entry: str
    sampler: str
    space: dict[str, Any]
    trials: int | None
    hours: float | None
    seeds: list[int]
    batch: int
    seed: int
    folds: list[FoldRecord]

    def goes_on_from(self, earlier: Trail) -> bool:
        """Tell whether another trail is this one's beginning: of the same search, with fewer trials."""
        if [(fold.fold, fold.inner) for fold in self.folds] != [(fold.fold, fold.inner) for fold in earlier.folds]:
            return False
        pairs = zip(self.folds, earlier.folds, strict=True)
        return all(
            len(before.trials) < len(now.trials)
            and [(trial.settings, trial.scores) for trial in now.trials[: len(before.trials)]]
            == [(trial.settings, trial.scores) for trial in before.trials]
            for now, before in pairs
        )


def trail_of(study: Study, trials: dict[str, list[Trial]], sampler: str) -> Trail:
    """Return what is known of a search."""
    params = study.params
    folds = [
        FoldRecord(
            fold=fold.name,
            by=fold.inner.by,
            inner={name: list(tested) for name, tested in fold.inner.tests.items()},
            best=best.number if (best := best_of(trials[fold.name])) else None,
            trials=[_record(trial) for trial in trials[fold.name]],
        )
        for fold in study.folds
    ]
    return Trail(
        entry=study.entry,
        sampler=sampler,
        space={key: msgspec.to_builtins(each) for key, each in params.space[study.entry].items()},
        trials=study.trials,
        hours=params.hours,
        seeds=list(study.seeds),
        batch=params.batch,
        seed=params.seed,
        folds=folds,
    )


def _record(trial: Trial) -> TrialRecord:
    return TrialRecord(
        number=trial.number,
        state="failed" if trial.reason else "complete",
        settings=dict(trial.settings),
        value=trial.value,
        std=trial.std,
        scores=[ScoreRecord(score.fold, score.seed, score.top1, score.key) for score in trial.scores],
        seconds=round(trial.seconds, 3),
        reason=trial.reason,
        blamed=trial.blamed,
    )


def as_json(trails: Sequence[Trail]) -> str:
    """Write trails as JSON."""
    return json.dumps(msgspec.to_builtins(list(trails)), indent=1, ensure_ascii=False) + "\n"


def as_csv(trails: Sequence[Trail]) -> str:
    """Write a line a trial: all settings as columns, then what it came to; values of settings as JSON has them."""
    keys = list(dict.fromkeys(key for trail in trails for key in trail.space))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["entry", "fold", "trial", "state", "value", "std", "seconds", "scores", "reason", *keys])
    for trail in trails:
        for fold in trail.folds:
            for trial in fold.trials:
                scores = " ".join(f"{score.fold}/{score.seed}={score.top1}" for score in trial.scores)
                settings = [json.dumps(trial.settings[key]) if key in trial.settings else "" for key in keys]
                ended = [trial.state, _text(trial.value), _text(trial.std), trial.seconds, scores, trial.reason]
                writer.writerow([trail.entry, fold.fold, trial.number, *ended, *settings])
    return text.getvalue()


def _text(value: float | None) -> Any:
    return "" if value is None else value
