"""Parameters of `trainers.losses.soft_targets`."""

from __future__ import annotations

from typing import ClassVar

from trainers.losses.params.selected import Select
from trainers.losses.params.weighted import Temperature, Weight, WeightedParams


class HintonParams(WeightedParams, frozen=True, forbid_unknown_fields=True):
    """Parameters of soft targets.

    Attributes
    ----------
    temperature
        Softens teacher and student.
    scale_by_temperature
        As for eq. 15's loss.
    standardise
        Compare the logits' z-scores over the classes (Sun et al., CVPR 2024): a student follows how its teacher ranks
        and spaces classes, and not how far its logits spread.
    select
        See `trainers.losses.selection`.
    LATER
        As `trainers.params.FitParams.LATER`.
    """

    LATER: ClassVar = ("standardise", "select")

    hard: Weight = 0.1
    weight: Weight = 0.9
    temperature: Temperature = 4.0
    scale_by_temperature: bool = True
    standardise: bool = False
    select: Select = "all"
