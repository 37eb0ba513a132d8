"""A residual 1-D convolutional network over a recording's samples."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from trainers.data.batch import ModelOutput
from trainers.errors import TrainingError
from trainers.models.absent import zero_absent
from trainers.models.cnn1d.params import CNN1DParams
from trainers.models.dropout import Dropout

STEM = 7  # samples under the first convolution


class CNN1D(nn.Module):
    """Stem, residual blocks, mean and maximum over time, embedding, classes.

    The stem and every block halve time, rounding up, so that any length will do. Several inputs are one series
    with all their channels; an absent one's are zero, the mean of standardised channels. Shapes of series are (L, C),
    of one L.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], classes: int, params: CNN1DParams) -> None:
        super().__init__()
        _check_lengths(shapes)
        self.names = tuple(shapes)
        self.stream = f"{'+'.join(self.names)}/cnn1d"
        widths = [round(params.width * params.growth**block) for block in range(params.blocks)]
        self.stem = nn.Sequential(
            _convolution(sum(channels for _, channels in shapes.values()), widths[0], STEM), nn.ReLU(), _halve()
        )
        self.blocks = nn.ModuleList(
            Block(before, after, params.kernel) for before, after in pairwise([widths[0], *widths])
        )
        self.embed = nn.Linear(2 * widths[-1], params.embedding)
        self.drop = Dropout(params.dropout)
        self.classify = nn.Linear(params.embedding, classes)
        self.embedding_width = params.embedding

    def forward(self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor]) -> ModelOutput:
        """Classify series (B, L, C); `maps` are the blocks' outputs (B, W, L', 1). See `ModelOutput`."""
        hidden = torch.cat(zero_absent(inputs, valid, self.names), dim=-1).transpose(1, 2)  # (B, C, L)
        hidden = self.stem(hidden)
        maps = []
        for block in self.blocks:
            hidden = block(hidden)
            maps.append(hidden.unsqueeze(-1))
        pooled = torch.cat([hidden.mean(-1), hidden.amax(-1)], dim=1)
        embedding = self.embed(pooled).relu()
        logits = self.classify(self.drop(embedding))
        return {
            "logits": logits.float().log_softmax(-1),
            "embedding": embedding,
            "streams": {self.stream: logits},
            "maps": tuple(maps),
        }


class Block(nn.Module):
    """Two convolutions beside a skip, then half the length."""

    def __init__(self, before: int, after: int, kernel: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_convolution(before, after, kernel), nn.ReLU(), _convolution(after, after, kernel))
        self.skip = nn.Identity() if before == after else _convolution(before, after, 1)
        self.halve = _halve()

    def forward(self, hidden: Tensor) -> Tensor:
        """Map (B, before, L) to (B, after, L / 2)."""
        halved: Tensor = self.halve((self.body(hidden) + self.skip(hidden)).relu())
        return halved


def _convolution(before: int, after: int, kernel: int) -> nn.Sequential:
    """Keep the length, and normalise; the normalisation's shift is the bias."""
    return nn.Sequential(nn.Conv1d(before, after, kernel, padding=kernel // 2, bias=False), nn.BatchNorm1d(after))


def _halve() -> nn.MaxPool1d:
    return nn.MaxPool1d(2, ceil_mode=True)


def _check_lengths(shapes: Mapping[str, tuple[int, ...]]) -> None:
    if len({length for length, _ in shapes.values()}) != 1:
        given = ", ".join(f"{name} {length}" for name, (length, _) in shapes.items())
        raise TrainingError(
            f"model: cnn1d wants series of one length, not {given or 'none'}; give the modalities one window, stride "
            "and number of patches in encode, or train on one of them"
        )
