"""Parameters of Gimme Signals. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class SignalsParams(Struct, frozen=True, forbid_unknown_fields=True):
    """A drawing of signals, and the network that looks at it.

    Attributes
    ----------
    network
        torchvision's, from random weights; ``efficientnet_b2`` is the paper's.
    size
        Pixels of the square image, as large as in the authors' settings.
    dropout
        Before the classes; that of EfficientNet-B2.
    """

    network: Literal["efficientnet_b2", "resnet18"] = "efficientnet_b2"
    size: Annotated[int, Meta(ge=32, le=1024)] = 224
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.3
