"""From class tokens to the vote: one linear head a stream, and the ensemble over streams (DMFT eq. 11-12)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

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

    def forward(
        self, temporal: Mapping[str, Tensor], spatial: Mapping[str, Tensor], valid: Mapping[str, Tensor]
    ) -> ModelOutput:
        """Classify the class tokens of both streams' hidden states (B, 1 + T, W) by modality, and vote.

        A modality without any valid patch, by its masks (B, P), has no vote. The embedding is the tokens side by side.
        """
        hidden = {f"{name}/temporal": states for name, states in temporal.items()}
        hidden |= {f"{name}/spatial": states for name, states in spatial.items()}
        # in the order of the widths, whatever that of the modalities is: the embedding's columns follow it
        tokens = {name: self.norms[name](hidden[name][:, 0]) for name in self.names}  # (B, W)
        streams = {name: self.linears[name](token) for name, token in tokens.items()}
        embedding = torch.cat(list(tokens.values()), dim=-1)
        present = [valid[name].any(1) if (name := stream.rpartition("/")[0]) in valid else None for stream in streams]
        return {"logits": vote(streams.values(), present), "embedding": embedding, "streams": streams, "maps": ()}


def vote(streams: Iterable[Tensor], present: Sequence[Tensor | None] = ()) -> Tensor:
    """Log of the mean over streams of their class probabilities.

    Each has raw logits (B, K). The sum of softmaxes of eq. 11-12, divided by their number so that it is a probability;
    the same ranking. Streams of which `present` (B,) is False are left out; where none is present, all count.
    """
    logs = torch.stack([logits.float().log_softmax(-1) for logits in streams])  # (S, B, K)
    if all(each is None for each in present):
        return logs.logsumexp(0) - math.log(len(logs))
    there = torch.ones(logs.shape[1], dtype=torch.bool, device=logs.device)
    counted = torch.stack([there if each is None else each for each in present])  # (S, B)
    counted = counted | ~counted.any(0)
    # in double, so that where all count the sum is what it is without masks, to the bit
    numbers = counted.sum(0).double().log().float().unsqueeze(-1)
    return logs.masked_fill(~counted.unsqueeze(-1), -math.inf).logsumexp(0) - numbers
