"""Signals of all modalities drawn as lines into one image, as the code of Gimme Signals has matplotlib draw them.

Every signal is moved by its mean, the second and third of a triad by half a unit and one unit more; the image's height
is the range of all signals of the recording, its width the recording. Lines are opaque, on white, and later ones lie
over earlier ones. In units of standardised series, where the code has metres, and shares of the largest inertial value.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence

import torch
from torch import Tensor

APART = 0.5  # between x, y and z
HUES = 7  # neighbours in the list of signals are a seventh of the circle of hues apart
LINE = 1.0  # pixels


def colours(count: int) -> Tensor:
    """Return colours (count, 3) in 0..1 far apart in hue, those of the first half from dark to light."""
    steps = -(-count // HUES)
    hues = [(way * steps + step) / (HUES * steps) for step in range(steps) for way in range(HUES)][:count]
    half = max(count // 2, 1)
    values = [min(0.2 + 0.8 * number / half, 1.0) for number in range(count)]
    return torch.tensor([colorsys.hsv_to_rgb(hue, 1.0, value) for hue, value in zip(hues, values, strict=True)])


def draw(series: Sequence[Tensor], present: Sequence[Tensor | None], colour: Tensor, size: int) -> Tensor:
    """Draw series (B, L, C) of several modalities into images (B, 3, size, size) in 0..1; time runs to the right.

    Modalities of which `present` (B,) is False are not drawn; colours (signals, 3) are of all modalities' channels.
    """
    lines = [_sampled(_moved(each), size + 1) for each in series]  # (B, size + 1, C) at the columns' borders
    rows = _rows(lines, present, size)
    canvas = lines[0].new_ones(lines[0].shape[0], 3, size, size)
    number = 0
    for each, there in zip(rows, present, strict=True):
        for row in each.unbind(-1):  # (B, size + 1)
            inked = _coverage(row, size)
            if there is not None:
                inked = inked * there.view(-1, 1, 1)
            canvas = torch.lerp(canvas, colour[number].view(1, 3, 1, 1), inked.unsqueeze(1))
            number += 1
    return canvas


def _moved(series: Tensor) -> Tensor:
    axes = torch.arange(series.shape[-1], device=series.device) % 3
    return series - series.mean(1, keepdim=True) + APART * axes


def _sampled(series: Tensor, count: int) -> Tensor:
    """Read series (B, L, C) at `count` even places from the first sample to the last, between samples in proportion."""
    last = series.shape[1] - 1
    at = torch.linspace(0, last, count, device=series.device)
    before = at.floor().long().clamp(max=max(last - 1, 0))
    share = (at - before).view(1, -1, 1)
    return torch.lerp(series[:, before], series[:, (before + 1).clamp(max=last)], share)


def _rows(lines: Sequence[Tensor], present: Sequence[Tensor | None], size: int) -> list[Tensor]:
    """Say in which row of the image lines lie, the highest of all that are present in 0, the lowest in size - 1."""
    lows, highs = [], []
    for each, there in zip(lines, present, strict=True):
        low, high = each.amin((1, 2)), each.amax((1, 2))  # (B,)
        lows.append(low if there is None else low.masked_fill(~there, math.inf))
        highs.append(high if there is None else high.masked_fill(~there, -math.inf))
    lowest, highest = torch.stack(lows).amin(0), torch.stack(highs).amax(0)
    anything = lowest <= highest
    lowest, highest = torch.where(anything, lowest, 0.0), torch.where(anything, highest, 1.0)
    scale = (size - 1) / (highest - lowest).clamp(min=1e-6)
    return [(highest.view(-1, 1, 1) - each) * scale.view(-1, 1, 1) for each in lines]


def _coverage(row: Tensor, size: int) -> Tensor:
    """Return how much of each pixel (B, size, size) a line covers that is in rows (B, size + 1) at columns' borders."""
    top = torch.minimum(row[:, :-1], row[:, 1:]) - LINE / 2  # (B, columns)
    bottom = torch.maximum(row[:, :-1], row[:, 1:]) + LINE / 2
    middle = torch.arange(size, device=row.device, dtype=row.dtype).view(1, -1, 1)
    within = torch.minimum(bottom.unsqueeze(1), middle + 0.5) - torch.maximum(top.unsqueeze(1), middle - 0.5)
    return within.clamp(0, 1)
