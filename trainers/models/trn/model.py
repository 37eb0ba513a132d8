"""VSKD's teacher: a multi-scale temporal relation network over the features of a recording's segments."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.errors import TrainingError
from trainers.models.dropout import Dropout
from trainers.models.trn.params import TRNParams
from trainers.models.trn.relations import MultiScaleRelations


class TRN(nn.Module):
    """Dropout and a projection of every segment, then the relations between segments.

    The backbone that makes a segment's features is the encode stage's, and frozen. The one modality has at least as
    many patches as there are segments.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], classes: int, params: TRNParams) -> None:
        super().__init__()
        if len(shapes) != 1:
            raise TrainingError(
                f"model: trn relates the segments of one modality, not of {len(shapes)} ({', '.join(shapes)}); "
                f"set modalities: [{next(iter(shapes), 'rgb')}]"
            )
        ((self.name, (patches, features)),) = shapes.items()
        if patches < params.segments:
            raise TrainingError(
                f"model: segments: {self.name} has {patches} patches, fewer than {params.segments} segments; "
                f"lower segments, or encode {self.name} with patches: {params.segments}"
            )
        self.stretches: Tensor
        self.register_buffer("stretches", even_stretches(patches, params.segments), persistent=False)
        self.project = nn.Sequential(Dropout(params.dropout), nn.Linear(features, params.width))
        self.relations = MultiScaleRelations(
            params.segments, width=params.width, hidden=params.relation, classes=classes, subsets=params.subsets
        )
        self.embedding_width = params.width

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Classify patches (B, P, D) with masks (B, P); see `trainers.data.batch.ModelOutput`."""
        segments = stretch_means(inputs[self.name], valid.get(self.name), self.stretches)  # (B, n, D)
        projected = self.project(segments)  # (B, n, W)
        logits = self.relations(projected)
        return {
            "logits": logits.float().log_softmax(-1),
            "embedding": projected.mean(1),
            "streams": {f"{self.name}/trn": logits},
            "maps": (projected.transpose(1, 2).unsqueeze(-1),),
        }


def even_stretches(patches: int, segments: int) -> Tensor:
    """Cut P patches into consecutive stretches whose lengths differ by one at most: (segments, P), 1 where inside."""
    stretch = torch.arange(patches) * segments // patches
    return nn.functional.one_hot(stretch, segments).T.float()


def stretch_means(patches: Tensor, valid: Tensor | None, stretches: Tensor) -> Tensor:
    """Average the valid patches (B, P, D) of every stretch (segments, P): (B, segments, D); without any, zeros."""
    if valid is None:
        return stretches / stretches.sum(1, keepdim=True) @ patches
    counts = valid.to(stretches.dtype) @ stretches.T  # (B, segments)
    sums = stretches @ patches.masked_fill(~valid.unsqueeze(-1), 0)
    return sums / counts.clamp(min=1).unsqueeze(-1)
