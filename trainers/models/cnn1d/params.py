"""Parameters of the 1-D network. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1, le=65_536)]
_WIDEST = 65_536  # channels


class CNN1DParams(Struct, frozen=True, forbid_unknown_fields=True):
    """A small residual network over time.

    Attributes
    ----------
    width
        Channels of the first block.
    growth
        Each block has this many times the channels of the one before.
    blocks
        Residual blocks of two convolutions, each followed by a pooling that halves time.
    kernel
        Samples under a convolution, odd.
    embedding
        Width of the layer before the classes.
    dropout
        Between that layer and the classes.
    """

    width: Positive = 40
    growth: Annotated[float, Meta(ge=1, le=64)] = 2.0
    blocks: Annotated[int, Meta(ge=1, le=64)] = 3
    kernel: Positive = 5
    embedding: Positive = 300
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0

    def __post_init__(self) -> None:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel: must be odd, so that it has a middle, not {self.kernel}; try {self.kernel + 1}")
        last = self.width * self.growth ** (self.blocks - 1)
        if last > _WIDEST:
            raise ValueError(
                f"growth: makes {last:.3g} channels of the last block, {_WIDEST} at most; choose fewer blocks"
            )
