"""What a model is tested under: all sensors whole, some absent, or one of them harmed. No torch: reports read this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Literal, get_args

from msgspec import Struct

from trainers.robustness.params import RobustnessParams

Harm = Literal["noise", "packet_loss", "saturation", "clock_offset", "clock_drift", "rotation"]
HARMS: tuple[Harm, ...] = get_args(Harm)


class Condition(Struct, frozen=True):
    """One condition.

    Attributes
    ----------
    absent
        Modalities that are absent.
    modality, harm, strength
        Which modality is harmed, in which way, and how much, in the unit of `RobustnessParams`; None: none is.
    """

    absent: tuple[str, ...] = ()
    modality: str | None = None
    harm: Harm | None = None
    strength: float | None = None


WHOLE = Condition()


def conditions(
    params: RobustnessParams, modalities: Sequence[str], possible: Mapping[str, Sequence[Harm]]
) -> list[Condition]:
    """List the conditions of a model, the whole first, then fewer and fewer modalities, then harms.

    `possible` are the harms that each modality can have.
    """
    found = [WHOLE]
    if params.absent:
        for count in range(1, len(modalities)):
            found += [Condition(absent=gone) for gone in combinations(modalities, count)]
    for modality in modalities:
        for harm in HARMS:
            if harm in possible[modality]:
                strengths: tuple[float, ...] = getattr(params, harm)
                found += [Condition((), modality, harm, strength) for strength in dict.fromkeys(strengths)]
    return found
