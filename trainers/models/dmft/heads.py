"""From class tokens to the vote: one linear head a stream, and the ensemble over streams (DMFT eq. 11-12)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.models.dmft.params import Norm


class Heads(nn.Module):
    """A linear layer for every stream's class token, normalised first where the encoders are pre-norm."""

    def __init__(self, widths: Mapping[str, int], classes: int, norm: Norm) -> None:
        super().__init__()
        self.names = tuple(widths)
        self.norms = nn.ModuleDict(
            {name: nn.LayerNorm(width) if norm == "pre" else nn.Identity() for name, width in widths.items()}
        )
        self.embedding_width = sum(widths.values())
        self.linears = nn.ModuleDict({name: nn.Linear(width, classes) for name, width in widths.items()})

    def forward(self, class_tokens: Mapping[str, Tensor]) -> ModelOutput:
        """Classify each stream's class token (B, W) and vote; the embedding is the tokens side by side."""
        tokens = {name: self.norms[name](class_tokens[name]) for name in self.names}
        streams = {name: self.linears[name](token) for name, token in tokens.items()}
        embedding = torch.cat(list(tokens.values()), dim=-1)
        return {"logits": vote(streams.values()), "embedding": embedding, "streams": streams, "maps": ()}


def vote(streams: Iterable[Tensor]) -> Tensor:
    """Log of the mean over streams of their class probabilities.

    The sum of softmaxes of eq. 11-12, divided by their number so that it is a probability; the same ranking.

    Parameters
    ----------
    streams
        Raw logits (B, K) each.
    """
    logs = torch.stack([logits.float().log_softmax(-1) for logits in streams])
    return logs.logsumexp(0) - math.log(len(logs))
