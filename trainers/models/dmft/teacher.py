"""The DMFT teacher: two streams a modality, mid-fusion over every pair, and the vote (DMFT 3.2-3.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.models.dmft.fusion import TMT
from trainers.models.dmft.heads import Heads
from trainers.models.dmft.mstt import MSTT
from trainers.models.dmft.params import TeacherParams


class DMFTTeacher(nn.Module):
    """The network of figure 2; it takes what `DMFTStudent` takes."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], classes: int, params: TeacherParams) -> None:
        super().__init__()
        # streams, fusion, heads: in this order a seed draws their first weights
        self.mstt = MSTT(shapes, params)
        widths = self.mstt.widths
        self.fusion = TMT({name: widths[f"{name}/temporal"] for name in shapes}, params)
        self.heads = Heads(widths, classes, params.norm)
        self.embedding_width = self.heads.embedding_width

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Classify patches (B, P, D) by modality with masks (B, P); see `trainers.data.batch.ModelOutput`."""
        temporal, spatial, keeps = self.mstt(inputs, valid)
        output: ModelOutput = self.heads(self.fusion(temporal, keeps), spatial, valid)
        return {**output, "maps": (temporal_map(temporal.values()),)}


def temporal_map(temporal: Iterable[Tensor]) -> Tensor:
    """Hidden states (B, 1 + P, W) before fusion as one map (B, sum of W, P, 1), at the fewest patches of any."""
    maps = [hidden[:, 1:].transpose(1, 2) for hidden in temporal]
    fewest = min(each.shape[2] for each in maps)
    return torch.cat([nn.functional.adaptive_avg_pool1d(each, fewest) for each in maps], dim=1).unsqueeze(-1)
