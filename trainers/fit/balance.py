"""Classes of unequal size made to count alike: by weights of the loss, or by how often recordings are drawn."""

from __future__ import annotations

import torch
from torch import Tensor

from trainers.params import FitParams


def class_weights(params: FitParams, labels: Tensor, classes: int) -> Tensor | None:
    """Return weights of the hard loss (K,) by a training's labels (N,), or None where `params` want none.

    Inverse to the classes' sizes, and one in the mean over recordings; zero for a class without recordings.
    """
    if params.balance != "loss":
        return None
    counts = torch.bincount(labels, minlength=classes)
    present = counts > 0
    return torch.where(present, len(labels) / (present.sum() * counts.clamp(min=1)), 0.0)


def drawn_rows(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Draw as many rows (N,) as there are labels (N,), with replacement: first a class, each as likely, then one of it.

    On the CPU, whose generator it is.
    """
    labels = labels.cpu()
    counts = torch.bincount(labels)
    order, starts = labels.argsort(stable=True), counts.cumsum(0) - counts  # rows class by class, and where each begins
    present = counts.nonzero().flatten()
    drawn = present[torch.randint(len(present), labels.shape, generator=generator)]  # (N,) classes
    places = torch.rand(len(labels), generator=generator, dtype=torch.float64) * counts[drawn]
    return order[starts[drawn] + places.long()]
