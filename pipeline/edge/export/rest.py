"""Scaling and turning by what is measured at rest, in tensor operations that ONNX has.

The same as `pipeline.stages.encode.timelines.rest`, for batches.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pipeline.stages.encode.timelines.params import SeriesParams
from pipeline.stages.encode.timelines.rest import AXES, HALF_TURN, LEAST, rest_samples
from pipeline.stages.encode.timelines.triads import GRAVITY, triad_units


class Calibration(nn.Module):
    """Scales and turns series (B, L, C), each recording by itself."""

    windows: Tensor
    target: Tensor
    half_turn: Tensor

    def __init__(self, params: SeriesParams, units: Sequence[str], length: int) -> None:
        super().__init__()
        self.params = params
        self.units = units
        samples = rest_samples(params.rest_share, length)
        windows = torch.arange(length - samples + 1)[:, None] + torch.arange(samples)  # (n, samples)
        self.register_buffer("windows", windows, persistent=False)
        at, sign = AXES.get(params.orient, (0, 1.0))
        self.register_buffer("target", sign * torch.eye(3)[at], persistent=False)
        half = -torch.eye(3)
        half[(at + 1) % 3, (at + 1) % 3] = 1.0
        self.register_buffer("half_turn", half, persistent=False)

    def forward(self, series: Tensor) -> Tensor:
        """Return the series as encoding makes it."""
        triads = list(torch.split(series, 3, dim=2))  # (B, L, 3) each
        kinds = [self.units[0]] * len(triads) if len(self.units) == 1 else triad_units(self.units)
        accelerometers = [at for at, unit in enumerate(kinds) if unit in GRAVITY]
        for at in accelerometers:
            force, at_rest = self._rest(triads[at] / GRAVITY[kinds[at]])
            magnitude = force.square().sum(-1, keepdim=True).sqrt()  # (B, 1)
            if self.params.calibrate == "rest":
                factor = torch.where(at_rest[:, None], magnitude, torch.ones_like(magnitude))
                triads[at] = triads[at] / factor[:, None]
            if self.params.orient != "none":
                turn = torch.where(at_rest[:, None, None], self._turn(force / magnitude), torch.eye(3))
                for other in range(len(triads)) if len(accelerometers) == 1 else [at]:
                    triads[other] = torch.matmul(triads[other], turn.transpose(1, 2))
        return torch.cat(triads, dim=2)

    def _rest(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean (B, 3) of the quietest stretch of (B, L, 3), and whether it is rest (B,)."""
        windows = values[:, self.windows]  # (B, n, samples, 3)
        means = windows.mean(2)
        variances = (windows - means[:, :, None]).square().mean(2).sum(-1)  # (B, n)
        quietest = variances.argmin(1, keepdim=True)  # (B, 1)
        force = means.gather(1, quietest[..., None].expand(-1, -1, 3))[:, 0]
        quiet = variances.gather(1, quietest)[:, 0] <= self.params.rest_deviation**2
        large = force.square().sum(-1) >= LEAST**2
        return torch.where(large[:, None], force, torch.ones_like(force)), quiet & large

    def _turn(self, direction: Tensor) -> Tensor:
        """Return the rotations (B, 3, 3) that bring unit vectors (B, 3) onto the axis."""
        cosine = (direction * self.target).sum(-1)
        opposite = cosine < -1 + HALF_TURN
        target = self.target.expand_as(direction)
        x, y, z = (
            direction[:, 1] * target[:, 2] - direction[:, 2] * target[:, 1],
            direction[:, 2] * target[:, 0] - direction[:, 0] * target[:, 2],
            direction[:, 0] * target[:, 1] - direction[:, 1] * target[:, 0],
        )
        zero = torch.zeros_like(x)
        cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).view(-1, 3, 3)
        share = (direction + target).square().sum(-1) / 2  # 1 + the cosine, without its rounding near -1
        share = torch.where(opposite, torch.ones_like(share), share)
        turn = torch.eye(3) + cross + torch.matmul(cross, cross) / share[:, None, None]
        return torch.where(opposite[:, None, None], self.half_turn, turn)
