"""Parameters of `trainers.losses.rkd_angle`."""

from __future__ import annotations

from trainers.losses.params.weighted import Weight, WeightedParams


class RKDAngleParams(WeightedParams, frozen=True, forbid_unknown_fields=True):
    """Parameters of the relational loss on angles."""

    weight: Weight = 50.0
