"""Parameters of keyless attention. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class KeylessParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Keyless attention over a bidirectional LSTM for each modality.

    Attributes
    ----------
    hidden
        Width of each direction of the LSTM; at 96 the model has about as many weights as `dmft`.
    dropout
        Of the pooled features, before the classes.
    """

    hidden: Annotated[int, Meta(ge=1, le=65_536)] = 96
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.1
