"""Parameters of early and late fusion. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from trainers.models.dmft.params import Norm, Positive, Width


class FusionParams(Struct, frozen=True, forbid_unknown_fields=True):
    """The encoder of early fusion, or each modality's of late fusion; defaults are those of `dmft`.

    Attributes
    ----------
    width
        What the patches are projected to; ``native`` keeps their own width, in early fusion that of all modalities
        together.
    layers, heads, feed_forward, dropout, norm
        Of the transformer encoders; heads must divide the width.
    """

    width: Width = 48
    layers: Positive = 2
    heads: Positive = 4
    feed_forward: Positive = 96
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.1
    norm: Norm = "pre"

    def __post_init__(self) -> None:
        if isinstance(self.width, int) and self.width % self.heads:
            divisors = ", ".join(str(n) for n in range(1, min(self.width, 64) + 1) if self.width % n == 0)
            raise ValueError(f"heads: {self.heads} does not divide the width {self.width}; choose of {divisors}")
