"""Keyless attention: what matters of a sequence is told by its hidden states alone, without a query and keys.

Long et al., Multimodal Keyless Attention Fusion for Video Classification (AAAI 2018). The paper's text could not be
had. Followed are its common summary, a bidirectional LSTM over segment features; public code of that name, e_t = w .
h_t, softmax over time, the weighted sum; and DMFT (2.2), by which the modalities' attended features are concatenated.
Sizes, dropout and layers before the classes are left open; here as in `KeylessParams`, and one linear layer.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.models.dropout import Dropout
from trainers.models.keyless.params import KeylessParams
from trainers.models.recurrent.lstm import LSTM
from trainers.models.recurrent.presence import masked_softmax


class Keyless(nn.Module):
    """A bidirectional LSTM for each modality, keyless attention over its patches, concatenation, classes.

    Shapes are patches P and features D by modality. Features of an absent modality are zero in the concatenation.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], classes: int, params: KeylessParams) -> None:
        super().__init__()
        self.names = tuple(shapes)
        self.stream = f"{'+'.join(shapes)}/keyless"
        self.encode = nn.ModuleDict({name: LSTM(shape[1], params.hidden, both=True) for name, shape in shapes.items()})
        self.attend = nn.ModuleDict({name: KeylessAttention(2 * params.hidden) for name in shapes})
        self.embedding_width = 2 * params.hidden * len(shapes)
        self.drop = Dropout(params.dropout)
        self.classify = nn.Linear(self.embedding_width, classes)

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Classify patches (B, P, D) by modality with masks (B, P); see `trainers.data.batch.ModelOutput`."""
        pooled = []
        for name in self.names:
            mask = valid.get(name)
            hidden = self.encode[name](inputs[name], mask)  # (B, P, 2 x H)
            context = self.attend[name](hidden, mask)
            pooled.append(context if mask is None else context.masked_fill(~mask.any(1, keepdim=True), 0))
        embedding = torch.cat(pooled, dim=-1)
        logits = self.classify(self.drop(embedding))
        return {
            "logits": logits.float().log_softmax(-1),
            "embedding": embedding,
            "streams": {self.stream: logits},
            "maps": (),
        }


class KeylessAttention(nn.Module):
    """A vector that scores hidden states; their sum, weighted by the softmax of the scores."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1, bias=False)  # a bias would change no softmax

    def forward(self, hidden: Tensor, mask: Tensor | None = None) -> Tensor:
        """Pool hidden states (B, T, W) of which the mask (B, T) is True, or all where none is, to (B, W)."""
        weights = masked_softmax(self.score(hidden).squeeze(-1), mask)  # (B, T)
        return (weights.unsqueeze(-1) * hidden).sum(1)
