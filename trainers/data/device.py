"""Where recordings' values lie: on the training device where they fit, else where they came from."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

LEFT_TO_THE_MODEL = 0.3  # of a GPU's memory
DEVICE_ERRORS = (torch.OutOfMemoryError, getattr(torch, "AcceleratorError", torch.OutOfMemoryError))
"""What a GPU raises for its own reasons, whatever runs on it; RuntimeErrors, too."""
VALUES = 2**26  # that are looked at together where all are wanted


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
    fits = values.numel() * values.element_size() <= free - LEFT_TO_THE_MODEL * total
    return values.to(device) if fits else values


def take_rows(values: Tensor, rows: Tensor) -> Tensor:
    """Return ``values[rows]`` on the rows' device, wherever the values lie."""
    if values.device == rows.device:
        return values[rows]
    found = values[rows.to(values.device)]
    return (found.pin_memory() if rows.is_cuda else found).to(rows.device, non_blocking=True)


def row_chunks(count: int, of_one: int) -> Iterator[Tensor]:
    """Yield the numbers of recordings that are looked at together.

    Parameters
    ----------
    count
        Recordings.
    of_one
        Values of one.
    """
    return iter(torch.split(torch.arange(count), max(1, VALUES // max(1, of_one))))


class RunningMoments:
    """Mean and deviation (ddof 0) along the first axis, of parts that are never held together.

    Attributes
    ----------
    count
        Rows so far; without any there is neither mean nor deviation.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        self.count = 0

    def add(self, part: Tensor) -> None:
        """Add rows (n, ...)."""
        if not len(part):
            return
        mean, deviation = part.mean(0), part.std(0, correction=0)
        self.count, before = self.count + len(part), self.count
        if before:  # Chan, Golub, LeVeque 1979
            share = len(part) / self.count
            apart = mean - self.mean
            variance = torch.lerp(self.deviation.square(), deviation.square(), share)
            mean = self.mean + apart * share
            deviation = (variance + apart.square() * (share * (1 - share))).sqrt()
        self.mean, self.deviation = mean, deviation
