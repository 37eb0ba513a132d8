"""A long short-term memory that passes over missing patches, wherever they are."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class LSTM(nn.Module):
    """What `torch.nn.LSTM` of one layer computes, forwards or in both directions; a pair's two biases are one here.

    It is written step by step: torch's own takes no masks but lengths, for which a GPU waits, and `torch.vmap` cannot
    map over it. A missing patch leaves the state as it is, so that what comes after it is as if it were not there.
    """

    def __init__(self, features: int, hidden: int, *, both: bool = False) -> None:
        super().__init__()
        ways = 2 if both else 1
        self.hidden = hidden
        self.width = ways * hidden
        self.inputs = nn.ModuleList(nn.Linear(features, 4 * hidden) for _ in range(ways))
        self.states = nn.ModuleList(nn.Linear(hidden, 4 * hidden, bias=False) for _ in range(ways))
        for weight in self.parameters():
            nn.init.uniform_(weight, -(hidden**-0.5), hidden**-0.5)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map tokens (B, P, F) to hidden states (B, P, width), those backwards beside those forwards.

        Where the mask (B, P) is False a token's values count for nothing, and its hidden state is its neighbour's.
        """
        if mask is not None:
            tokens = tokens.masked_fill(~mask.unsqueeze(-1), 0)
        count = tokens.shape[1]
        orders: tuple[Iterable[int], ...] = (range(count), range(count - 1, -1, -1))
        return torch.cat(
            [
                self._run(project(tokens), recur, order, mask)
                for project, recur, order in zip(self.inputs, self.states, orders, strict=False)
            ],
            dim=-1,
        )

    def _run(self, projected: Tensor, recur: nn.Module, order: Iterable[int], mask: Tensor | None) -> Tensor:
        """Go over projections (B, P, 4 x H) of the tokens in an order; return hidden states (B, P, H) in theirs."""
        hidden = cell = projected.new_zeros(projected.shape[0], self.hidden)
        steps: dict[int, Tensor] = {}
        for at in order:
            enter, forget, new, leave = (projected[:, at] + recur(hidden)).chunk(4, dim=-1)
            moved = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
            said = leave.sigmoid() * moved.tanh()
            if mask is not None:
                there = mask[:, at, None]
                moved, said = torch.where(there, moved, cell), torch.where(there, said, hidden)
            cell, hidden = moved, said
            steps[at] = hidden
        return torch.stack([steps[at] for at in range(len(steps))], dim=1)
