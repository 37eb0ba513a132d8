"""Seeded stretches of code that leave the caller's random state alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run the body with torch's global generators seeded, and put them back afterwards.

    Examples
    --------
    >>> with seeded(3):
    ...     model = torch.nn.Linear(2, 2)
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
