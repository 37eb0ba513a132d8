"""Parameters of `trainers.losses.semantic`."""

from __future__ import annotations

from trainers.losses.params.weighted import WeightedParams


class SemanticParams(WeightedParams, frozen=True, forbid_unknown_fields=True):
    """Parameters of the mean squared error of embeddings."""
