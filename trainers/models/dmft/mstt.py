"""The multi-modal spatial-temporal transformer (MSTT, DMFT 3.2): two streams a modality."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainers.models.dmft.encoder import EncoderLayer
from trainers.models.dmft.params import StudentParams


class Stream(nn.Module):
    """Class token, positions (the class token's is 0) and a stack of encoders over one stream's tokens (eq. 2-6)."""

    def __init__(self, tokens: int, features: int, params: StudentParams, *, positions: bool, where: str) -> None:
        super().__init__()
        self.width = features if params.width == "native" else params.width
        self.project = nn.Identity() if params.width == "native" else nn.Linear(features, self.width)
        self.class_token = nn.Parameter(torch.empty(1, 1, self.width))
        nn.init.normal_(self.class_token, std=0.02)
        self.positions: Tensor | None
        table = sinusoids(tokens + 1, self.width) if positions else None
        self.register_buffer("positions", table, persistent=False)
        self.layers = nn.ModuleList(EncoderLayer(self.width, params, where) for _ in range(params.layers))

    def forward(self, tokens: Tensor, keep: Tensor | None = None, outputs: int | None = None) -> Tensor:
        """Encode tokens (B, T, features) to (B, 1 + T, width), class token first; or its first `outputs`."""
        hidden = torch.cat([self.class_token.expand(tokens.shape[0], -1, -1), self.project(tokens)], dim=1)
        if self.positions is not None:
            hidden = hidden + self.positions
        last = len(self.layers) - 1
        for number, layer in enumerate(self.layers):
            hidden = layer(hidden, keep, outputs if number == last else None)
        return hidden


class MSTT(nn.Module):
    """Both streams of every modality: temporal tokens are patches, spatial tokens are features (eq. 2-3).

    Shapes are patches P and features D; `widths` go by stream, ``modality/temporal`` and ``modality/spatial``.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], params: StudentParams) -> None:
        super().__init__()
        self.names = tuple(shapes)
        self.temporal = nn.ModuleDict()
        self.spatial = nn.ModuleDict()
        self.widths: dict[str, int] = {}
        for name, (count, features) in shapes.items():
            both = params.positions == "both"
            temporal = Stream(count, features, params, positions=both, where=f"{name}/temporal")
            spatial = Stream(features, count, params, positions=True, where=f"{name}/spatial")
            self.temporal[name], self.spatial[name] = temporal, spatial
            self.widths |= {f"{name}/temporal": temporal.width, f"{name}/spatial": spatial.width}

    def forward(
        self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], *, outputs: int | None = None
    ) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor | None]]:
        """Encode both streams.

        Parameters
        ----------
        inputs
            Patches (B, P, D) by modality.
        valid
            (B, P) bool by modality; a modality that is not there is valid throughout. Masked patches are not
            attended to in the temporal stream and zero in the spatial one.
        outputs
            How many of the first temporal hidden states are wanted; None: all.

        Returns
        -------
        tuple
            Temporal hidden states (B, 1 + P, W), the spatial class token's (B, 1, W), and for each modality
            what may be attended to in the temporal ones, (B, 1, 1, 1 + P) or None for all.
        """
        temporal, spatial, keeps = {}, {}, {}
        for name in self.names:
            patches, keep = inputs[name], None
            if name in valid:
                mask = valid[name]
                patches = patches.masked_fill(~mask.unsqueeze(-1), 0)
                with_class = nn.functional.pad(mask, (1, 0), value=True)  # the class token always counts
                keep = with_class[:, None, None]
            temporal[name] = self.temporal[name](patches, keep, outputs)
            spatial[name] = self.spatial[name](patches.transpose(1, 2), None, 1)
            keeps[name] = keep
        return temporal, spatial, keeps


def sinusoids(positions: int, width: int) -> Tensor:
    """Sinusoidal positions (positions, width), eq. 1: sines in even columns, cosines in odd ones."""
    at = torch.arange(positions, dtype=torch.float64)[:, None]
    even = torch.arange(0, width, 2, dtype=torch.float64)
    angles = at / 10000 ** (even / width)  # (positions, ceil(width / 2))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :width].float()
