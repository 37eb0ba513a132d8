"""A trial that has ended, and how trials compare."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Score:
    """Top-1 on one inner fold with one seed, in percent, and the evaluation that it is read from."""

    fold: str
    seed: int
    top1: float
    key: str


@dataclass(frozen=True)
class Trial:
    """Settings that were tried.

    Attributes
    ----------
    settings
        By dotted key, beside those of the stages file; trial 0 has none.
    reason
        Why there is no value; empty where there is one.
    blamed
        The key of the step that failed because of the settings: it would fail again.
    seconds
        Of the steps that no earlier trial had, one after another.
    """

    number: int
    settings: Mapping[str, Any]
    scores: Sequence[Score] = ()
    reason: str = ""
    blamed: str = ""
    seconds: float = 0.0

    @property
    def value(self) -> float | None:
        """Mean top-1 over inner folds and seeds, in percent; None of a failed trial."""
        return None if self.reason else statistics.fmean(self.by_fold.values())

    @property
    def by_fold(self) -> dict[str, float]:
        """Mean over seeds of each inner fold."""
        folds = dict.fromkeys(score.fold for score in self.scores)
        return {fold: statistics.fmean(s.top1 for s in self.scores if s.fold == fold) for fold in folds}

    @property
    def std(self) -> float | None:
        """Sample deviation over inner folds (ddof 1); None of one, and of a failed trial."""
        values = list(self.by_fold.values())
        return statistics.stdev(values) if not self.reason and len(values) > 1 else None


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """Return the trial with the highest value, the first of equal ones; None where all failed."""
    return max((trial for trial in trials if not trial.reason), key=lambda trial: trial.value or 0.0, default=None)
