"""Multi-head self-attention without residual, norm or dropout of its weights."""

from __future__ import annotations

from torch import Tensor, nn

from trainers.models.attention import attention


class SelfAttention(nn.Module):
    """What `torch.nn.MultiheadAttention` computes of tokens and themselves, for a stack of models, too.

    Its weights are drawn as torch's are: Xavier's for queries, keys and values, no biases.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.qkv.weight)
        nn.init.zeros_(self.qkv.bias)
        nn.init.zeros_(self.out.bias)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Mix tokens (B, T, W) of which a mask (B, T) is True; it has one in every row."""
        split = self.qkv(tokens).view(*tokens.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        queries, keys, values = split  # (B, h, T, W/h) each
        mixed = attention(queries, keys, values, None if mask is None else mask[:, None, None])
        said: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return said
