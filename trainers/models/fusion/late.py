"""Late fusion: a transformer for each modality, and the mean of what they say."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import asdict
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.models.dmft.heads import Heads
from trainers.models.dmft.mstt import Stream
from trainers.models.dmft.params import StudentParams
from trainers.models.fusion.params import FusionParams


class LateFusion(nn.Module):
    """Each modality's patches through an encoder of their own, a head each, and the mean of the probabilities.

    No paper's model: DMFT's student without its spatial streams, or its teacher without these and without fusion. What
    the paper calls late fusion (3.3) adds or concatenates features; here probabilities are averaged, as in its own
    vote (eq. 11-12). Shapes are patches P and features D by modality. A modality without any valid patch has no vote.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], classes: int, params: FusionParams) -> None:
        super().__init__()
        encoder = StudentParams(**asdict(params))
        self.streams = nn.ModuleDict()
        widths: dict[str, int] = {}
        for name, (patches, features) in shapes.items():
            where = f"{name}/temporal"
            self.streams[name] = stream = Stream(patches, features, encoder, positions=True, where=where)
            widths[where] = stream.width
        self.heads = Heads(widths, classes, params.norm)
        self.embedding_width = self.heads.embedding_width

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Classify patches (B, P, D) by modality with masks (B, P); see `trainers.data.batch.ModelOutput`."""
        temporal = {}
        for name, stream in self.streams.items():
            patches, keep = inputs[name], None
            if name in valid:
                patches = patches.masked_fill(~valid[name].unsqueeze(-1), 0)
                keep = nn.functional.pad(valid[name], (1, 0), value=True)[:, None, None]  # the class token counts
            temporal[name] = stream(patches, keep, 1)  # (B, 1, W)
        output: ModelOutput = self.heads(temporal, {}, valid)
        return output
