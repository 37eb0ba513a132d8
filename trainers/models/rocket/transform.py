"""MiniRocket's transform of multivariate series: how much of a convolution's output lies above a level."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainers.errors import TrainingError
from trainers.models.rocket.kernels import COUNT, LENGTH, REACH, dilations, kernel_weights, levels


class MiniRocket(nn.Module):
    """84 kernels at several dilations over series of one length; each feature is a share of positive values (PPV).

    At each dilation a kernel sees a few channels, drawn at random; half of them see the series padded with zeros, the
    others only where they lie within it. What counts as positive is what exceeds a quantile of the kernel's output for
    one training row, drawn at random: the multivariate form in the authors' code, in aeon and sktime.
    """

    kernels: Tensor

    def __init__(self, samples: int, channels: int, features: int, *, where: str) -> None:
        super().__init__()
        if samples < LENGTH:
            raise TrainingError(
                f"model: rocket wants series of {LENGTH} samples at least, and {where} has {samples}; "
                "give it a longer window or more patches in encode"
            )
        self.channels = channels
        self.dilations = dilations(samples, features)
        self.width = COUNT * sum(share for _, share in self.dilations)
        self.register_buffer("kernels", torch.tensor(kernel_weights()), persistent=False)  # (84, 9)
        for dilation, share in self.dilations:
            self.register_buffer(f"channels/{dilation}", torch.zeros(COUNT, channels))  # 1 for those that are seen
            self.register_buffer(f"biases/{dilation}", torch.zeros(COUNT, share))

    def forward(self, series: Tensor) -> Tensor:
        """Return features (B, width) in 0..1 of series (B, C, L): by dilation, kernel and level."""
        return torch.cat(
            [self._shares(series, place, dilation) for place, (dilation, _) in enumerate(self.dilations)], 1
        )

    def _shares(self, series: Tensor, place: int, dilation: int) -> Tensor:
        outputs = self._convolved(series, dilation)  # (B, 84, L)
        biases, cut = self.get_buffer(f"biases/{dilation}"), REACH * dilation
        whole, inner = outputs, outputs[:, :, cut : outputs.shape[2] - cut]
        pair = (whole, inner) if place % 2 == 0 else (inner, whole)  # of even kernels, of odd ones
        shares = [_share_above(each[:, odd::2], biases[odd::2]) for odd, each in enumerate(pair)]  # (B, 42, n)
        return torch.stack(shares, dim=2).flatten(1)

    def _convolved(self, series: Tensor, dilation: int) -> Tensor:
        """Return each kernel's output (B, 84, L): the sum over the channels that it sees."""
        seen = self.get_buffer(f"channels/{dilation}")
        weights = seen.unsqueeze(2) * self.kernels.unsqueeze(1)  # (84, C, 9)
        return nn.functional.conv1d(series, weights, padding=REACH * dilation, dilation=dilation)

    def draw_channels(self, generator: torch.Generator) -> None:
        """Draw the channels of each kernel and dilation: how many, to 9, evenly in the exponent; which, at random."""
        most = min(self.channels, LENGTH)
        for dilation, _ in self.dilations:
            counts = 2 ** (torch.rand(COUNT, generator=generator) * torch.tensor(most + 1.0).log2())
            order = torch.rand(COUNT, self.channels, generator=generator).argsort(1)  # of the channels, at random
            ranks = order.argsort(1)
            self.get_buffer(f"channels/{dilation}").copy_(ranks < counts.floor().clamp(1, most).unsqueeze(1))

    def draw_rows(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw which of `count` training rows each kernel's biases are taken of, (dilations, 84)."""
        return torch.randint(count, (len(self.dilations), COUNT), generator=generator)

    def fit_biases(self, series: Tensor, rows: Tensor) -> None:
        """Take the biases of series (n, C, L), of which `rows` (dilations, 84) says each kernel's."""
        quantiles = torch.tensor(levels(self.width), dtype=torch.float64)
        done = 0
        for own, (dilation, share) in zip(rows, self.dilations, strict=True):
            outputs = self._convolved(series[own], dilation).diagonal().T.double()  # (84, L)
            wanted = quantiles[done : done + COUNT * share].view(COUNT, share).to(outputs.device)
            self.get_buffer(f"biases/{dilation}").copy_(_quantiles(outputs, wanted))
            done += COUNT * share


def _share_above(outputs: Tensor, biases: Tensor) -> Tensor:
    """Return the shares (B, k, n) of outputs (B, k, T) above biases (k, n)."""
    return (outputs.unsqueeze(2) > biases.unsqueeze(-1)).float().mean(-1)


def _quantiles(values: Tensor, wanted: Tensor) -> Tensor:
    """Return quantiles (k, n), of each row of `values` (k, T) its own, by linear interpolation."""
    ordered = values.sort(1).values
    at = wanted * (values.shape[1] - 1)
    below = at.floor().long()
    above = (below + 1).clamp(max=values.shape[1] - 1)
    return torch.lerp(ordered.gather(1, below), ordered.gather(1, above), at - below)
