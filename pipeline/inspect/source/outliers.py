"""Recordings that are far from the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEWEST = 8  # of which one can be said to be far from the others
_FENCES = 3.0  # interquartile ranges beyond the quartiles: Tukey's "far out"
_FACTOR = 1.5

_OWN = 3  # recordings of a class from which on they are compared with each other

RULE = (
    "beside its class's median, beyond the quartiles of all by 3 interquartile ranges, and by a factor of 1.5 or more"
)


@dataclass(frozen=True)
class Far:
    """The place of a value that is far from the others, and what it is compared with."""

    at: int
    median: float


def far_from_others(values: Sequence[float], classes: Sequence[str]) -> list[Far]:
    """Return which values are far from the others of their classes, by `RULE` in logarithms, the farthest first.

    None where there are fewer than `FEWEST`. A class of few is compared with all. What is not positive is left out.
    """
    given, named = np.asarray(values, np.float64), np.asarray(classes)
    positive = given > 0
    if positive.sum() < FEWEST:
        return []
    medians = np.full(len(given), float(np.median(given[positive])))
    for name in {*classes}:
        own = positive & (named == name)
        if own.sum() >= _OWN:
            medians[own] = np.median(given[own])
    away = np.log(np.where(positive, given, medians) / medians)
    low, high = np.quantile(away[positive], [0.25, 0.75])
    beyond = np.maximum(low - away, away - high) > _FENCES * (high - low)
    found = np.flatnonzero(beyond & (np.abs(away) > np.log(_FACTOR)))
    return [Far(int(at), float(medians[at])) for at in found[np.argsort(-np.abs(away[found]), kind="stable")]]
