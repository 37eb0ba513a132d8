"""The vote of the streams that are there, each alike or by what it is worth."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from trainers.data.input_names import modality_of


def stream_accuracies(streams: Mapping[str, Tensor], labels: Tensor) -> dict[str, float]:
    """Return the share of recordings that each stream alone is right of, by its probabilities (N, K)."""
    return {name: float((each.argmax(-1) == labels).double().mean()) for name, each in streams.items()}


def weighted_vote(streams: Mapping[str, Tensor], weights: Mapping[str, float], absent: Collection[str] = ()) -> Tensor:
    """Return the weighted mean (N, K) of probabilities (N, K), without the streams of absent modalities.

    Where all that are there weigh nothing, they count alike.
    """
    there = [name for name in streams if modality_of(name.rpartition("/")[0]) not in absent]
    worth = torch.tensor([weights[name] for name in there], dtype=torch.float64)
    if not worth.any():
        worth = torch.ones_like(worth)
    return torch.einsum("s,snk->nk", worth / worth.sum(), torch.stack([streams[name].double() for name in there]))
