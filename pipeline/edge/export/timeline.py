"""From raw samples with their times to an aligned timeline, in tensor operations that ONNX has.

The same as `pipeline.stages.encode.timelines.series`, for batches, and for times that are always given.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pipeline.stages.encode.align import Windows


class Timeline(nn.Module):
    """Streams of one modality, interpolated at L times: (B, T_i, C_i) each to (B, L, sum of C_i)."""

    steps: Tensor

    def __init__(self, spec: Windows, rate: float) -> None:
        super().__init__()
        self.spec = spec
        self.rate = rate
        length = spec.length
        share = torch.linspace(0, 1, length) if length > 1 else torch.zeros(1)
        steps = share if spec.align == "resample" else torch.arange(length) / rate
        self.register_buffer("steps", steps, persistent=False)

    def forward(self, values: Sequence[Tensor], times: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the timeline, and how many of its samples each recording has, (B,)."""
        start = torch.stack([each[:, 0] for each in times]).amax(0)  # (B,) float64: the span that all streams share
        end = torch.stack([each[:, -1] for each in times]).amin(0)
        duration = (end - start).float()[:, None]
        at = self.steps[None] * duration if self.spec.align == "resample" else self.steps[None] + 0 * duration
        since = [(each - start[:, None]).float() for each in times]
        joined = torch.cat([interpolate(*each, at) for each in zip(values, since, strict=True)], dim=-1)
        if self.spec.align == "resample":
            return joined, torch.full_like(duration[:, 0], self.spec.length)
        return joined, torch.floor(duration[:, 0] * self.rate + 1e-3) + 1


def interpolate(values: Tensor, times: Tensor, at: Tensor) -> Tensor:
    """Interpolate (B, T, C) values at (B, T) times, which do not decrease, linearly at (B, L) times; ends hold."""
    last = times.shape[1] - 1
    after = (times[:, None, :] <= at[:, :, None]).sum(-1).clamp(max=last)  # (B, L): the first sample later than that
    before = (after - 1).clamp(min=0)
    gap = times.gather(1, after) - times.gather(1, before)
    share = (at - times.gather(1, before)) / torch.where(gap > 0, gap, 1.0)
    share = share.clamp(0.0, 1.0)[..., None]
    channels = values.shape[2]
    first = values.gather(1, before[..., None].expand(-1, -1, channels))
    second = values.gather(1, after[..., None].expand(-1, -1, channels))
    return first * (1 - share) + second * share
