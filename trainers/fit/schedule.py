"""The learning rate of every step: linear warm-up, then a cosine to zero or a constant."""

from __future__ import annotations

import math

from trainers.params import FitParams


def learning_rate(step: int, steps_per_epoch: int, params: FitParams) -> float:
    """Return the rate of one step.

    Parameters
    ----------
    step
        From 0, over all epochs.
    """
    total = params.epochs * steps_per_epoch
    warm = min(round(params.warmup * steps_per_epoch), total - 1)
    if step < warm:
        return params.lr * (step + 1) / warm
    if params.schedule == "constant":
        return params.lr
    return params.lr * (1 + math.cos(math.pi * (step - warm) / (total - warm))) / 2
