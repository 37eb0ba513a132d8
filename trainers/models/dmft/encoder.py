"""The vanilla transformer encoder layer (DMFT eq. 4-6), pre- or post-norm."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from trainers.errors import TrainingError
from trainers.models.attention import attention
from trainers.models.dmft.params import StudentParams
from trainers.models.dropout import byte_dropout


class EncoderLayer(nn.Module):
    """Multi-head self-attention and a position-wise feed-forward layer with ReLU, each with a residual.

    Computes what `torch.nn.TransformerEncoderLayer` does, but drops no attention weights in training: that would
    forgo the fused kernel, and the dropout of both branches' outputs does the same service. The heads must divide the
    tokens' width; `where` names the stream if they do not.
    """

    def __init__(self, width: int, params: StudentParams, where: str) -> None:
        super().__init__()
        check_heads(width, params.heads, where)
        self.heads = params.heads
        self.dropout = params.dropout
        self.pre = params.norm == "pre"
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.expand = nn.Linear(width, params.feed_forward)
        self.contract = nn.Linear(params.feed_forward, width)
        self.norm_attention = nn.LayerNorm(width)
        self.norm_feed = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, keep: Tensor | None = None, outputs: int | None = None) -> Tensor:
        """Encode tokens (B, T, W), or only the first `outputs` of them.

        A last layer whose class token alone is read costs a quarter of a whole one. `keep` (B, 1, 1, T) is False where
        a token must not be attended to.
        """
        if self.pre:
            tokens = tokens[:, :outputs] + self._attend(self.norm_attention(tokens), keep, outputs)
            return tokens + self._feed(self.norm_feed(tokens))
        tokens = self.norm_attention(tokens[:, :outputs] + self._attend(tokens, keep, outputs))
        normed: Tensor = self.norm_feed(tokens + self._feed(tokens))
        return normed

    def _attend(self, tokens: Tensor, keep: Tensor | None, outputs: int | None) -> Tensor:
        if outputs is None:
            queries, keys, values = self._split(self.qkv(tokens), 3)  # (B, h, T, W/h) each
        else:
            width = tokens.shape[-1]
            weight, bias = self.qkv.weight, self.qkv.bias
            (queries,) = self._split(F.linear(tokens[:, :outputs], weight[:width], bias[:width]), 1)
            keys, values = self._split(F.linear(tokens, weight[width:], bias[width:]), 2)
        mixed = attention(queries, keys, values, keep)
        return self._drop(self.out(mixed.transpose(1, 2).flatten(2)))

    def _split(self, projected: Tensor, parts: int) -> Tensor:
        """Part projections (B, T, parts x W) into heads: (parts, B, h, T, W/h)."""
        return projected.view(*projected.shape[:2], parts, self.heads, -1).permute(2, 0, 3, 1, 4)

    def _feed(self, tokens: Tensor) -> Tensor:
        return self._drop(self.contract(self._drop(F.relu(self.expand(tokens)))))

    def _drop(self, tokens: Tensor) -> Tensor:
        return byte_dropout(tokens, self.dropout) if self.dropout and self.training else tokens


def check_heads(width: int, heads: int, where: str) -> None:
    """Raise TrainingError where heads do not divide a stream's width."""
    if width % heads:
        divisors = [n for n in range(1, min(width, 16) + 1) if width % n == 0]
        raise TrainingError(
            f"model: heads: {heads} does not divide the width {width} of {where}; "
            f"choose heads from {divisors}, or a width that is a multiple of {heads}"
        )
