"""Parameters of a loss with one soft loss, and the ranges of numbers that losses share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=0, le=1e9)]
Temperature = Annotated[float, Meta(gt=0, le=1e6)]


class WeightedParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Of a loss with one soft loss, see `trainers.losses.distillation`.

    Attributes
    ----------
    hard
        Weight of the hard loss, the cross entropy with the labels.
    weight
        Weight of the soft loss. Defaults are those of its authors for classification, as they stand in
        RepDistiller (Tian et al. 2020); of the semantic loss that of VSKD.
    """

    hard: Weight = 1.0
    weight: Weight = 1.0
