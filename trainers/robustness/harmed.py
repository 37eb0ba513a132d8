"""Recordings under a condition: the same recordings with modalities absent, or one of them harmed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from trainers.data.device import row_chunks
from trainers.data.inputs import ImageInput, Input
from trainers.data.modality import ModalityData
from trainers.data.recordings import RecordingData
from trainers.robustness.channels import Channels, stored
from trainers.robustness.conditions import HARMS, Condition, Harm
from trainers.robustness.harms import add_noise, delay, drift, lose_packets, rotate, saturate


def possible_harms(data: Input) -> Sequence[Harm]:
    """Return the harms that a modality can have: of features alone noise; rotation of channels in triads."""
    if data.series is None:
        return ("noise",)
    turns = data.series.shape[2] % 3 == 0 and (data.kind != "skeleton" or data.vertical_axis is not None)
    return tuple(harm for harm in HARMS if turns or harm != "rotation")


def under(
    condition: Condition,
    data: RecordingData,
    channels: Mapping[str, Channels],
    seconds: Mapping[str, Tensor],
    seed: int,
) -> RecordingData:
    """Return recordings under a condition.

    Parameters
    ----------
    channels
        By modality, of those that a condition harms.
    seconds
        By modality, how long each recording is (N,).
    seed
        Of what is drawn; each condition draws for itself.
    """
    changed: list[Input] = []
    for each in data.inputs.values():
        if each.modality in condition.absent:
            changed.append(replace(each, valid=torch.zeros_like(each.valid)))
        elif each.modality == condition.modality:
            changed.append(_harmed(condition, each, channels[each.modality], seconds[each.modality], seed))
        else:
            changed.append(each)
    return RecordingData(changed, data.labels)


def _harmed(condition: Condition, data: Input, channels: Channels, seconds: Tensor, seed: int) -> Input:
    generator = torch.Generator().manual_seed(_seed_of(condition, seed))
    parts, derived = [], []
    size = data.shape if data.series is None else data.series.shape[1:]
    for rows in row_chunks(len(data), size[0] * size[1]):
        values = _harm(condition, stored(data, rows), channels, seconds[rows], data, generator)
        parts.append(values)
        if isinstance(data, ModalityData) and data.series is not None:
            derived.append(data.derive(values))
    values = torch.cat(parts)
    if isinstance(data, ModalityData):
        if data.series is None:
            return replace(data, features=values)
        return replace(data, series=values, features=torch.cat(derived))
    return replace(data, series=values, images=None) if isinstance(data, ImageInput) else replace(data, series=values)


def _harm(
    condition: Condition, values: Tensor, channels: Channels, seconds: Tensor, data: Input, generator: torch.Generator
) -> Tensor:
    strength = condition.strength
    assert strength is not None
    match condition.harm:
        case "noise":
            return add_noise(values, strength, channels.deviation, generator)
        case "packet_loss":
            return lose_packets(values, strength, generator)
        case "saturation":
            return saturate(values, strength, channels.low, channels.high)
        case "clock_offset":
            return delay(values, strength * (values.shape[1] - 1) / seconds)
        case "clock_drift":
            return drift(values, strength)
        case "rotation":
            return rotate(values, strength, data.vertical_axis if data.kind == "skeleton" else None, generator)
    raise ValueError(condition.harm)


def _seed_of(condition: Condition, seed: int) -> int:
    """Return what one condition draws from, so that conditions that are left out change no other."""
    name = f"{seed}/{condition.modality}/{condition.harm}/{condition.strength!r}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7])
