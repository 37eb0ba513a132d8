"""Parameters of HAMLET. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1, le=65_536)]


class HamletParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Attention within modalities and among them.

    Attributes
    ----------
    width
        Of embedded patches, hidden states and attention; 256 in the authors' code, at 64 the model is about as large
        as `dmft`.
    layers
        Of each modality's LSTM.
    heads
        Of both attentions; must divide the width.
    dropout
        Of embedded patches, and of what the modalities' attention gives.
    merge
        How attended modalities become one vector: their ``sum`` (MAT-SUM), or ``concat``, one beside the other
        (MAT-CONCAT).
    """

    width: Positive = 64
    layers: Positive = 2
    heads: Positive = 4
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.2
    merge: Literal["sum", "concat"] = "sum"

    def __post_init__(self) -> None:
        if self.width % self.heads:
            divisors = ", ".join(str(n) for n in range(1, min(self.width, 64) + 1) if self.width % n == 0)
            raise ValueError(f"heads: {self.heads} does not divide the width {self.width}; choose of {divisors}")
