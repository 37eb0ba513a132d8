"""Parameters of `trainers.losses.soft_targets`."""

from __future__ import annotations

from trainers.losses.params.weighted import Temperature, Weight, WeightedParams


class HintonParams(WeightedParams, frozen=True, forbid_unknown_fields=True):
    """Parameters of soft targets.

    Attributes
    ----------
    temperature
        Softens teacher and student.
    scale_by_temperature
        As for eq. 15's loss.
    """

    hard: Weight = 0.1
    weight: Weight = 0.9
    temperature: Temperature = 4.0
    scale_by_temperature: bool = True
