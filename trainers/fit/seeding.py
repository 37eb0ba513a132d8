"""Computing the same twice: seeded stretches of code that leave the caller's random state alone, and equal bits."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Run the body with torch's global generator seeded, that of a GPU too if given, and put them back afterwards.

    Examples
    --------
    >>> with seeded(3):
    ...     model = torch.nn.Linear(2, 2)
    """
    with torch.random.fork_rng(gpus(device)):
        torch.default_generator.manual_seed(seed)
        for gpu in gpus(device):
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield


def gpus(device: torch.device | None) -> list[torch.device]:
    """Return the device if it is a GPU: the ones whose generators `torch.random.fork_rng` is to keep."""
    return [device] if device is not None and device.type == "cuda" else []


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Let a GPU compute in full precision where float32 is asked for, and the same bits every time where torch can.

    A CPU does both by itself, at equal thread counts. torch cannot in some gradients: those of attention over hundreds
    of tokens, and of adaptive pooling.
    """
    if device.type != "cuda":
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic
    filled = memory.fill_uninitialized_memory
    full = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with full, warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*deterministic", UserWarning)
        torch.use_deterministic_algorithms(True, warn_only=True)
        memory.fill_uninitialized_memory = False  # it only costs time: nothing reads such memory
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])
            memory.fill_uninitialized_memory = filled
