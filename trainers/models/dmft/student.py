"""The DMFT student: the two streams of every modality and the vote (DMFT 3.4, figure 3)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.models.dmft.encoder import EncoderSize
from trainers.models.dmft.heads import Heads
from trainers.models.dmft.mstt import MSTT
from trainers.models.dmft.params import StudentParams


class DMFTStudent(nn.Module):
    """The lite network that is trained alone or distilled from a teacher.

    Parameters
    ----------
    shapes
        Patches P and features D by modality.
    classes
        K.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], classes: int, params: StudentParams) -> None:
        super().__init__()
        size = EncoderSize(params.heads, params.feed_forward, params.dropout, params.norm)
        self.mstt = MSTT(shapes, width=params.width, layers=params.layers, size=size, positions=params.positions)
        self.heads = Heads(self.mstt.widths(), classes, params.norm)
        self.embedding_width = self.heads.embedding_width

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Classify patches (B, P, D) by modality with masks (B, P); see `trainers.data.batch.ModelOutput`."""
        temporal, spatial, _ = self.mstt(inputs, valid, outputs=1)
        tokens = {f"{name}/temporal": hidden[:, 0] for name, hidden in temporal.items()}
        tokens |= {f"{name}/spatial": hidden[:, 0] for name, hidden in spatial.items()}
        output: ModelOutput = self.heads(tokens)
        return output
