"""Parameters of MiniRocket. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from trainers.models.ridge.params import Copies


class RocketParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Convolutions of series, and a ridge head.

    Attributes
    ----------
    features
        Of the series of each length; a multiple of the 84 kernels, else the next lower one is taken.
    copies
        Augmented copies of each training recording that are solved for beside it, see ``augment``.
    """

    features: Annotated[int, Meta(ge=84, le=100_000)] = 9996
    copies: Copies = 0
