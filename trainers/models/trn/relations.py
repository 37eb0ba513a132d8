"""Multi-scale temporal relations (Zhou et al., Temporal Relational Reasoning in Videos, ECCV 2018, eq. 1-3).

A k-frame relation looks at k segments in their order. The scale of all n segments has one; each scale below it
has many, of which a few are summed.
"""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor, nn


def ordered_subsets(segments: int, scale: int) -> Tensor:
    """List every choice of `scale` of the segments in ascending order, lexicographically: (choices, scale)."""
    return torch.tensor(list(combinations(range(segments), scale)))


def spread(chosen: int, among: int) -> Tensor:
    """Return the middles of `chosen` even parts of 0 to `among` - 1: positions (chosen,).

    Examples
    --------
    >>> spread(3, 28).tolist()
    [4, 14, 23]
    """
    return torch.arange(1, 2 * chosen, 2) * among // (2 * chosen)


class ScaleRelations(nn.Module):
    """The relations of one scale, which share their weights.

    In training they are drawn anew in every forward pass, from torch's global generator. In evaluation they are
    fixed, evenly spread over the list of all, so that a recording always gets the same logits; the original
    draws there too. Of n segments k are related, the scale; at most `subsets` relations are summed.
    """

    def __init__(self, segments: int, scale: int, *, width: int, hidden: int, classes: int, subsets: int) -> None:
        super().__init__()
        choices = ordered_subsets(segments, scale)
        self.count = min(subsets, len(choices))
        self.choices: Tensor
        self.register_buffer("choices", choices, persistent=False)
        self.steady: Tensor
        self.register_buffer("steady", choices[spread(self.count, len(choices))], persistent=False)
        self.relate = nn.Sequential(nn.ReLU(), nn.Linear(scale * width, hidden), nn.ReLU(), nn.Linear(hidden, classes))

    def forward(self, segments: Tensor) -> Tensor:
        """Sum the logits (B, K) of this scale's relations between segments (B, n, W)."""
        chosen = self.steady
        if self.training:
            picked = torch.randperm(len(self.choices))[: self.count]
            chosen = self.choices[picked.to(self.choices.device, non_blocking=True)]
        related = segments[:, chosen]  # (B, relations, k, W)
        logits: Tensor = self.relate(related.flatten(2)).sum(1)
        return logits


class MultiScaleRelations(nn.Module):
    """The sum over all scales, from n down to 2 segments (eq. 3)."""

    def __init__(self, segments: int, *, width: int, hidden: int, classes: int, subsets: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            ScaleRelations(segments, scale, width=width, hidden=hidden, classes=classes, subsets=subsets)
            for scale in range(segments, 1, -1)
        )

    def forward(self, segments: Tensor) -> Tensor:
        """Map segments (B, n, W) to logits (B, K)."""
        return torch.stack([scale(segments) for scale in self.scales]).sum(0)
