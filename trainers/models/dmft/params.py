"""Parameters of the DMFT models. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1, le=65_536)]
Width = Annotated[int, Meta(ge=2, le=65_536)] | Literal["native"]
Norm = Literal["pre", "post"]
Positions = Literal["spatial", "both"]


class StudentParams(Struct, frozen=True, forbid_unknown_fields=True):
    """The student: two streams a modality, no fusion (DMFT 3.4).

    Attributes
    ----------
    width
        Every stream is projected to it; ``native`` keeps D for temporal and P for spatial streams, as the
        paper has it.
    layers, heads, feed_forward, dropout, norm
        Of the transformer encoders; heads must divide every stream's width.
    positions
        Sinusoidal positions on the spatial streams only (eq. 2-3), or on both.
    """

    width: Width = 48
    layers: Positive = 2
    heads: Positive = 4
    feed_forward: Positive = 96
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.1
    norm: Norm = "pre"
    positions: Positions = "both"


class TeacherParams(StudentParams, frozen=True, forbid_unknown_fields=True):
    """The teacher: the student's streams, and mid-fusion over every pair of modalities (DMFT 3.2, 3.3).

    Attributes
    ----------
    fusion_layers, tokens
        Encoders of each modality in each pair, at least 2 (what one writes in the first layer, the other
        reads in the second), and the pair's fusion tokens (F; 4 is best in Table 7).
    """

    fusion_layers: Annotated[int, Meta(ge=2, le=65_536)] = 2
    tokens: Positive = 4
