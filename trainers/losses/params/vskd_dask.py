"""Parameters of `trainers.losses.vskd_dask`."""

from __future__ import annotations

from msgspec import Struct

from trainers.losses.params.weighted import Temperature, Weight


class DASKParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of VSKD's eq. 9, beside a hard loss of weight 1; a soft loss of weight 0 is not computed.

    Attributes
    ----------
    alpha
        Weight of the soft targets (eq. 2-3, with the temperature squared).
    temperature
        Softens teacher and student.
    distance, angle
        Weights of the relational losses, eq. 9's beta of each.
    semantic
        Weight of the mean squared error of embeddings, eq. 9's gamma.
    """

    alpha: Weight = 0.01
    temperature: Temperature = 4.0
    distance: Weight = 1.0
    angle: Weight = 1.0
    semantic: Weight = 1.0
