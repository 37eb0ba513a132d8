"""Parameters of `trainers.losses.rkd_distance`."""

from __future__ import annotations

from trainers.losses.params.weighted import Weight, WeightedParams


class RKDDistanceParams(WeightedParams, frozen=True, forbid_unknown_fields=True):
    """Parameters of the relational loss on distances."""

    weight: Weight = 25.0
