"""Early fusion: one transformer over the features of all modalities together."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from msgspec.structs import asdict
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.errors import TrainingError
from trainers.models.dmft.heads import Heads
from trainers.models.dmft.mstt import Stream
from trainers.models.dmft.params import StudentParams
from trainers.models.fusion.params import FusionParams


class EarlyFusion(nn.Module):
    """A patch's token has the features of all modalities side by side; one encoder, one class token, one head.

    No paper's model, but what DMFT's fusion in the middle is set against (3.3: features concatenated at the
    beginning), with DMFT's encoder layers, positions and head. The paper has no figures of it, and leaves open whether
    features or tokens are concatenated. Shapes are patches P and features D by modality, of one P. Invalid patches'
    features are zero, the mean of standardised ones; where no modality has a patch, it is not attended to.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], classes: int, params: FusionParams) -> None:
        super().__init__()
        _check_patches(shapes)
        self.names = tuple(shapes)
        self.together = "+".join(shapes)
        tokens, features = next(iter(shapes.values()))[0], sum(shape[1] for shape in shapes.values())
        encoder = StudentParams(**asdict(params))
        where = f"{self.together}/temporal"
        self.stream = Stream(tokens, features, encoder, positions=True, where=where)
        self.heads = Heads({where: self.stream.width}, classes, params.norm)
        self.embedding_width = self.heads.embedding_width

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Classify patches (B, P, D) by modality with masks (B, P); see `trainers.data.batch.ModelOutput`."""
        patches = [
            inputs[name].masked_fill(~valid[name].unsqueeze(-1), 0) if name in valid else inputs[name]
            for name in self.names
        ]
        keep = None
        if all(name in valid for name in self.names):
            anything = torch.stack([valid[name] for name in self.names]).any(0)  # (B, P)
            keep = nn.functional.pad(anything, (1, 0), value=True)[:, None, None]  # the class token always counts
        hidden = self.stream(torch.cat(patches, dim=-1), keep, 1)  # (B, 1, W)
        output: ModelOutput = self.heads({self.together: hidden}, {}, {})
        return output


def _check_patches(shapes: Mapping[str, tuple[int, ...]]) -> None:
    if len({patches for patches, _ in shapes.values()}) != 1:
        given = ", ".join(f"{name} {patches}" for name, (patches, _) in shapes.items())
        raise TrainingError(
            f"model: early-fusion wants as many patches of each modality, not {given or 'none'}; "
            "give the modalities one number of patches in encode, or take late-fusion"
        )
