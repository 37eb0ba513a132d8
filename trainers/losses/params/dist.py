"""Parameters of `trainers.losses.dist`."""

from __future__ import annotations

from msgspec import Struct

from trainers.losses.params.selected import Select
from trainers.losses.params.weighted import Temperature, Weight


class DISTParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of DIST; defaults are those of the loss in the authors' code.

    Attributes
    ----------
    hard
        Weight of the hard loss, the cross entropy with the labels.
    beta, gamma
        Weights of the relation between classes (inter) and of that within a class (intra).
    temperature
        Softens teacher and student; both relations are multiplied by its square.
    select
        See `trainers.losses.selection`.
    """

    hard: Weight = 1.0
    beta: Weight = 1.0
    gamma: Weight = 1.0
    temperature: Temperature = 1.0
    select: Select = "all"
