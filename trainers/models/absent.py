"""Absent modalities of models that have one stream for all of them, which cannot be left out of a vote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor


def zero_absent(inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], names: Sequence[str]) -> list[Tensor]:
    """Return inputs (B, ...) that are of whole recordings, zero where their mask (B, 1) is False."""
    return [
        inputs[name].masked_fill(~valid[name].view(-1, *[1] * (inputs[name].ndim - 1)), 0)
        if name in valid
        else inputs[name]
        for name in names
    ]
