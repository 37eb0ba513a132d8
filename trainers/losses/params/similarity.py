"""Parameters of `trainers.losses.similarity`."""

from __future__ import annotations

from trainers.losses.params.weighted import Weight, WeightedParams


class SimilarityParams(WeightedParams, frozen=True, forbid_unknown_fields=True):
    """Parameters of the similarity-preserving loss."""

    weight: Weight = 3000.0
