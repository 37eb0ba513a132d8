"""Names of the distillation losses in a stages file. Strings only, nothing is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Place(NamedTuple):
    """``module:name`` of a loss's class and of its parameters."""

    build: str
    params: str


LOSSES: Mapping[str, Place] = {
    "dmft-kd": Place("trainers.losses.dmft_kd:DMFTKD", "trainers.losses.params:DMFTKDParams"),
}
