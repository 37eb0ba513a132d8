"""Parameters of `trainers.losses.attention`."""

from __future__ import annotations

from trainers.losses.params.weighted import Weight, WeightedParams


class AttentionParams(WeightedParams, frozen=True, forbid_unknown_fields=True):
    """Parameters of attention transfer."""

    weight: Weight = 1000.0
