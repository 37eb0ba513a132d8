"""Modality dropout: sensors that are absent from training recordings, drawn anew for every batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def draw_present(count: int, modalities: int, share: float, generator: torch.Generator) -> Tensor:
    """Draw which of M modalities a recording keeps, (B, M) bool: each is absent with the probability `share`.

    Where all would be, one of them, each as likely, stays. On the generator's device, without a wait for it.
    """
    drawn = torch.rand(count, modalities, device=generator.device, generator=generator)
    return (drawn >= share) | (drawn == drawn.amax(1, keepdim=True))


def hide(valid: Mapping[str, Tensor], names: Sequence[str], present: Tensor) -> dict[str, Tensor]:
    """Return the masks (B, P) of the named inputs where absent modalities, by `present` (B, M), have no valid patch."""
    return {name: valid[name] & present[:, place, None] for place, name in enumerate(names)}
