"""Temporal mid-fusion (TMT, DMFT 3.3, eq. 7-10): modalities exchange a few tokens, pair by pair."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import torch
from torch import Tensor, nn

from trainers.models.dmft.encoder import EncoderLayer
from trainers.models.dmft.params import TeacherParams


class PairFusion(nn.Module):
    """One pair's fusion tokens and encoders (eq. 7-9), for two temporal streams' widths.

    The tokens live in the narrower of the two; a linear layer takes them up to the wider stream before its encoder and
    down again before the average. Equal widths need none.
    """

    def __init__(self, narrow: int, wide: int, params: TeacherParams, where: str) -> None:
        super().__init__()
        self.count = params.tokens
        self.tokens = nn.Parameter(torch.empty(1, params.tokens, narrow))
        nn.init.normal_(self.tokens, std=0.02)
        layers = range(params.fusion_layers)
        self.narrow = nn.ModuleList(EncoderLayer(narrow, params, where) for _ in layers)
        self.wide = nn.ModuleList(EncoderLayer(wide, params, where) for _ in layers)
        same = narrow == wide
        self.up = nn.ModuleList(nn.Identity() if same else nn.Linear(narrow, wide) for _ in layers)
        self.down = nn.ModuleList(nn.Identity() if same else nn.Linear(wide, narrow) for _ in layers)

    def forward(
        self, narrow: Tensor, wide: Tensor, keep_narrow: Tensor | None, keep_wide: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Fuse two modalities' temporal hidden states (B, 1 + P, W) into those of their class tokens (B, 1, W).

        What to keep is (B, 1, 1, 1 + P), False where a token must not be attended to.
        """
        count = self.count
        keep_narrow, keep_wide = _with_tokens(keep_narrow, count), _with_tokens(keep_wide, count)
        tokens = self.tokens.expand(narrow.shape[0], -1, -1)  # (B, F, narrow)
        last = len(self.narrow) - 1
        for number, encode in enumerate(self.narrow):
            up, down = self.up[number], self.down[number]
            outputs = count + 1 if number == last else None  # after it, class tokens alone are read
            first = encode(torch.cat([tokens, narrow], dim=1), keep_narrow, outputs)  # (B, F + 1 + P, narrow)
            second = self.wide[number](torch.cat([up(tokens), wide], dim=1), keep_wide, outputs)
            tokens = (first[:, :count] + down(second[:, :count])) / 2
            narrow, wide = first[:, count:], second[:, count:]
        return narrow, wide


class TMT(nn.Module):
    """Every pair's fusion, and for each modality the average over the pairs that contain it (eq. 10).

    Widths are of the temporal streams, by modality; a single modality is left as it is.
    """

    def __init__(self, widths: Mapping[str, int], params: TeacherParams) -> None:
        super().__init__()
        ordered = sorted(widths, key=lambda name: widths[name])  # stable: the narrower first
        self.pairs = tuple(combinations(ordered, 2))
        self.fusions = nn.ModuleList(
            PairFusion(widths[narrow], widths[wide], params, f"the fusion of {narrow} and {wide}")
            for narrow, wide in self.pairs
        )

    def forward(self, temporal: Mapping[str, Tensor], keeps: Mapping[str, Tensor | None]) -> dict[str, Tensor]:
        """Fuse temporal hidden states (B, 1 + P, W) by modality into the class tokens' (B, 1, W)."""
        if not self.pairs:
            return dict(temporal)
        fused: dict[str, list[Tensor]] = {name: [] for name in temporal}
        for (narrow, wide), fusion in zip(self.pairs, self.fusions, strict=True):
            first, second = fusion(temporal[narrow], temporal[wide], keeps[narrow], keeps[wide])
            fused[narrow].append(first)
            fused[wide].append(second)
        return {name: torch.stack(states).mean(0) for name, states in fused.items()}


def _with_tokens(keep: Tensor | None, count: int) -> Tensor | None:
    return None if keep is None else nn.functional.pad(keep, (count, 0), value=True)
