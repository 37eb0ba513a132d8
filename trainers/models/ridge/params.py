"""Parameters of ridge regression on patches. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Copies = Annotated[int, Meta(ge=0, le=1_000)]


class RidgeParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Ridge regression on all values of the patches.

    Attributes
    ----------
    components
        Principal components of the training rows that the values of a stream are reduced to; 0: none.
    streams
        ``joint``: one regression on the values of all modalities side by side; ``modality``: one for each, which vote.
    copies
        Augmented copies of each training recording that are solved for beside it, see ``augment``.
    """

    components: Annotated[int, Meta(ge=0, le=65_536)] = 0
    streams: Literal["joint", "modality"] = "joint"
    copies: Copies = 0
