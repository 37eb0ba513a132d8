"""A network up to its features, and the weights that it has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from pipeline.stages.encode.video.weights import Weights

RANDOM_SEED = 0  # of `weights: none`; part of what such features mean, so never a parameter


@dataclass(frozen=True)
class Body:
    """What images become features by.

    Attributes
    ----------
    network
        Maps normalised images (B, 3, S, S) to features (B, D).
    weights
        Where its weights come from, and what images are normalised with.
    variant
        How it differs from others of its name and size, as JSON has it.
    side
        Pixels of the images that it was made for.
    plain
        Run it as it is written: nobody here knows what it computes.
    """

    network: nn.Module
    weights: Weights
    variant: Any
    side: int = 224
    plain: bool = False


@contextmanager
def initialised() -> Iterator[None]:
    """Let networks be initialised alike always, and draw nothing from the process's own random numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(RANDOM_SEED)
        yield
