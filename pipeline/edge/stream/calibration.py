"""The threshold below which a label is no activity, chosen from recordings that the model was not trained on.

What the model does not know is imitated in two ways: each activity in turn is taken from its classes (the others'
probabilities are those of a softmax without it), and its own windows are then unknown; and there is the time between
the activities of a continuous recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.edge.stream.labels import Stretch
from pipeline.edge.stream.recogniser import Outcome
from pipeline.edge.stream.smoothing import Probabilities, Smoothed, Smoothing
from pipeline.edge.stream.threshold import Measure, Threshold, entropy
from pipeline.edge.stream.windowing.windows import Windows
from pipeline.errors import ConfigError

_MOST = 0.5  # of a window has one label, which is the window's


@dataclass(frozen=True)
class Known:
    """A window of which it is known what happened in it.

    Attributes
    ----------
    label
        None: nothing did.
    follows
        Whether it comes next after the window before it in the list.
    """

    probabilities: Probabilities
    label: str | None
    follows: bool


def known_windows(outcomes: Iterable[Outcome], truth: Sequence[Stretch], windows: Windows) -> list[Known]:
    """Return the windows with one label in more than half of them, and those with none at all."""
    known = []
    follows = False
    for outcome in outcomes:
        start = outcome.end - windows.seconds
        shares: dict[str, float] = {}
        for each in truth:
            if (seconds := min(each.end, outcome.end) - max(each.start, start)) > 0:
                shares[each.label] = shares.get(each.label, 0.0) + seconds / windows.seconds
        label = max(shares, key=shares.__getitem__) if shares else None
        usable = outcome.probabilities is not None and (label is None or shares[label] > _MOST)
        if usable and outcome.probabilities is not None:
            known.append(Known(outcome.probabilities, label, follows))
        follows = usable
    return known


def calibrate(
    known: Sequence[Known],
    classes: Sequence[str],
    smoothing: Callable[[], Smoothing],
    loss: float,
    measure: Measure = "probability",
) -> Threshold:
    """Choose the threshold at which this share of the known windows is lost.

    Its figures say which share of unknown windows it rejects: of activities left out (each alike, and their mean), and
    of the time between activities. ConfigError where no window has an activity that the model knows.
    """
    labels = np.array([each.label in classes for each in known], bool)
    between = np.array([each.label is None for each in known], bool)
    if not labels.any():
        raise ConfigError("no window of the recording has an activity of the model\n  look at the labels' names")
    scores = _scores([each.probabilities for each in known], known, smoothing(), measure)
    value = float(np.quantile(scores[labels], loss, method="lower"))
    rejected = {}
    for place, name in enumerate(classes):
        its = np.array([each.label == name for each in known], bool)
        if its.any() and len(classes) > 2:
            without = [_without(each.probabilities, place) for each in known]
            rejected[name] = float((_scores(without, known, smoothing(), measure)[its] < value).mean())
    figures = {
        "known windows": int(labels.sum()),
        "known lost": _share_below(scores[labels], value),
        "unknown activities rejected": round(float(np.mean([*rejected.values()])), 4) if rejected else None,
        "by activity left out": {name: round(share, 4) for name, share in rejected.items()},
        "activities that the model does not have rejected": _share_below(scores[~labels & ~between], value),
        "windows between activities": int(between.sum()),
        "between activities rejected": _share_below(scores[between], value),
    }
    if measure == "entropy":
        value = 1 - value + 1e-9  # for the rounding of this line
    return Threshold(measure=measure, value=min(1.0, max(0.0, value)), figures=figures)


def _share_below(scores: NDArray[np.float64], value: float) -> float | None:
    return round(float((scores < value).mean()), 4) if len(scores) else None


def _without(probabilities: Probabilities, place: int) -> Probabilities:
    others = np.delete(probabilities, place).astype(np.float64)
    total = others.sum()
    return others / total if total > 0 else np.full(len(others), 1 / len(others))


def _scores(
    probabilities: Sequence[Probabilities], known: Sequence[Known], smoothing: Smoothing, measure: Measure
) -> NDArray[np.float64]:
    """Return how sure each window's label is: what a threshold is compared with, the surer the greater."""
    scores = []
    for each, window in zip(probabilities, known, strict=True):
        if not window.follows:
            smoothing.clear()
        scores.append(_score(smoothing.add(each), measure))
    return np.array(scores)


def _score(smoothed: Smoothed, measure: Measure) -> float:
    return smoothed.probability if measure == "probability" else 1 - entropy(smoothed.probabilities)
