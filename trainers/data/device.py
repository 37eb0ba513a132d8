"""Recordings' values on the training device where they fit, else where they came from; reading them in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Self

import torch
from torch import Tensor

MODEL_SHARE = 0.3  # of a GPU's memory stays free for the model
CHUNK_VALUES = 2**26  # 256 MiB in float32: what is read at a time where statistics need all recordings


def indexed_device(device: torch.device | str) -> torch.device:
    """Return a device with its number, as tensors on it have it: ``cuda`` alone is the current GPU."""
    device = torch.device(device)
    if device.type == "cuda" and device.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    return device


def to_device_if_fits(values: Tensor, device: torch.device | str) -> Tensor:
    """Return values on a device; where a GPU has no room for them, as they are: batches of them move one by one."""
    device = indexed_device(device)
    if device.type != "cuda" or values.device == device:
        return values.to(device)
    free, total = torch.cuda.mem_get_info(device)
    free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # what this process keeps to reuse
    fits = values.numel() * values.element_size() <= free - MODEL_SHARE * total
    return values.to(device) if fits else values


def take_rows(values: Tensor, rows: Tensor) -> Tensor:
    """Return ``values[rows]`` on the rows' device, wherever the values lie."""
    if values.device == rows.device:
        return values[rows]
    taken = values[rows.to(values.device)]
    return (taken.pin_memory() if rows.is_cuda else taken).to(rows.device, non_blocking=True)


def row_chunks(count: int, row_size: int) -> Iterator[Tensor]:
    """Yield the row numbers of recordings that are read together, of `count` with `row_size` values each."""
    return iter(torch.split(torch.arange(count), max(1, CHUNK_VALUES // max(1, row_size))))


class RecordingRows:
    """What dataclasses of N recordings' tensors have in common: one of their tensors is `valid`, (N, P) bool."""

    valid: Tensor

    def __len__(self) -> int:
        return len(self.valid)

    def select(self, rows: Tensor) -> Self:
        """Return the recordings at `rows` ((n,) int64), in that order."""
        return self._map(lambda values: values[rows], self.valid[rows])

    def to(self, device: torch.device | str) -> Self:
        """Return the same on a device."""
        return self._map(lambda values: to_device_if_fits(values, device), self.valid.to(device))

    def _map(self, change: Callable[[Tensor], Tensor], valid: Tensor) -> Self:
        # a GPU may have room for some only: what every batch reads comes first, series before features, which
        # augmentation makes anew, and stored images before series, which are then read in augmentation alone
        names = [name for name in ("images", "series", "features") if getattr(self, name, None) is not None]
        data: Any = self
        changed: Self = replace(data, valid=valid, **{name: change(getattr(self, name)) for name in names})
        return changed


class RunningMoments:
    """Mean and deviation (ddof 0) along the first axis, of chunks that are never held together.

    Without any row (`count`) there is neither.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        self.count = 0

    def add(self, chunk: Tensor) -> None:
        """Add rows (n, ...)."""
        if not len(chunk):
            return
        mean, deviation = chunk.mean(0), chunk.std(0, correction=0)
        self.count, before = self.count + len(chunk), self.count
        if before:  # Chan, Golub, LeVeque 1979
            share = len(chunk) / self.count
            delta = mean - self.mean
            variance = torch.lerp(self.deviation.square(), deviation.square(), share)
            mean = self.mean + delta * share
            deviation = (variance + delta.square() * (share * (1 - share))).sqrt()
        self.mean, self.deviation = mean, deviation
