"""Decisions become log odds by one number that says how far they can be trusted."""

from __future__ import annotations

import math

from torch import Tensor

LOWEST, HIGHEST = 0.01, 100.0  # where all decisions are right, no temperature is low enough
_STEPS = 60


def fit_temperature(decisions: Tensor, labels: Tensor) -> float:
    """Return the T that minimises the mean negative log likelihood of labels (N,) by softmax(decisions (N, K) / T).

    Guo et al. 2017 (On calibration of modern neural networks, 4.2). The likelihood is concave in 1 / T, so that
    halving finds where it stops to rise; T stays within `LOWEST` and `HIGHEST`.
    """
    decisions = decisions.double()
    right = decisions.gather(1, labels[:, None])

    def rises(temperature: float) -> bool:
        """Tell whether a lower temperature is more likely, or as likely to the last bit."""
        expected = ((decisions / temperature).softmax(1) * decisions).sum(1, keepdim=True)
        return bool((right - expected).mean() >= 0)

    low, high = math.log(LOWEST), math.log(HIGHEST)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if rises(math.exp(middle)) else (middle, high)
    return math.exp((low + high) / 2)
