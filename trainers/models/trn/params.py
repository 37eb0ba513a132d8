"""Parameters of the temporal relation network. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1, le=65_536)]


class TRNParams(Struct, frozen=True, forbid_unknown_fields=True):
    """VSKD's teacher, without its backbone.

    Attributes
    ----------
    segments
        n, what a recording is cut into: 8, or 3 for MMAct. Patches beyond n are averaged within n stretches.
    width
        Every segment's features are projected to it, after `dropout`.
    relation
        Hidden width of a relation's two layers.
    subsets
        Relations that are summed at each scale below n, at most.
    """

    segments: Annotated[int, Meta(ge=2, le=24)] = 8  # every subset of them is listed
    width: Positive = 300
    relation: Positive = 256
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.5
    subsets: Positive = 3
