"""The DMFT student: the two streams of every modality and the vote (DMFT 3.4, figure 3)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from trainers.data.batch import ModelOutput
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
        self.mstt = MSTT(shapes, params)
        self.heads = Heads(self.mstt.widths, classes, params.norm)
        self.embedding_width = self.heads.embedding_width

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Classify patches (B, P, D) by modality with masks (B, P); see `trainers.data.batch.ModelOutput`."""
        temporal, spatial, _ = self.mstt(inputs, valid, outputs=1)
        output: ModelOutput = self.heads(temporal, spatial, valid)
        return output
