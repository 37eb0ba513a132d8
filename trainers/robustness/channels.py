"""What harms are measured in: ranges and deviations of a modality's channels over the training recordings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from trainers.data.device import RunningMoments, row_chunks, take_rows
from trainers.data.inputs import Input


@dataclass(frozen=True)
class Channels:
    """Least and greatest value, and deviation, (C,) each, of a series' channels; of features where there is none."""

    low: Tensor
    high: Tensor
    deviation: Tensor


def channels_of(training: Input) -> Channels:
    """Measure the training recordings' valid values, some recordings at a time."""
    moments, lows, highs = RunningMoments(), [], []
    row_size = math.prod(training.shape if training.series is None else training.series.shape[1:])
    for rows in row_chunks(len(training), row_size):
        values = stored(training, rows)
        chosen = training.valid[rows] if training.series is None else torch.ones(values.shape[:2], dtype=torch.bool)
        chunk = values[chosen]  # (samples, C)
        moments.add(chunk)
        if len(chunk):
            lows.append(chunk.amin(0))
            highs.append(chunk.amax(0))
    return Channels(torch.stack(lows).amin(0), torch.stack(highs).amax(0), moments.deviation)


def stored(data: Input, rows: Tensor) -> Tensor:
    """Return recordings' series (B, L, C), or features (B, P, D) where there is none, on the CPU."""
    return (data.take(rows) if data.series is None else take_rows(data.series, rows).float()).cpu()
