"""Parameters of `trainers.losses.dmft_kd`."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

from trainers.losses.params.selected import Select
from trainers.losses.params.weighted import Share, Temperature


class DMFTKDParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of eq. 15's loss; the paper states none of them.

    Attributes
    ----------
    w_cs
        Weight of the hard loss, the cross entropy with the labels.
    weights
        Weight of each student stream's soft loss, by its name (``skeleton/temporal``); together 1 - w_cs.
        None: all alike.
    temperature
        Softens teacher and student (eq. 13).
    comparable
        Multiply the divergences by the number of streams S. The hard loss is a sum of S cross entropies (`fit.loss:
        streams`), while the soft weights share 1 - w_cs: as eq. 15 is printed (False), a teacher has 1 / S of the say
        that w_cs names. With `fit.loss: joint` the hard loss is one term: only False is comparable.
    scale_by_temperature
        Multiply the divergences by the temperature squared, which keeps their gradients' size (Hinton et
        al.).
    target
        ``streams``: each student stream follows the teacher's stream of the same name; ``fused``: each
        follows the teacher's vote. The latter also where teacher and student have different streams.
    select
        See `trainers.losses.selection`.
    LATER
        As `trainers.params.FitParams.LATER`.
    """

    LATER: ClassVar = ("select",)

    w_cs: Share = 0.5
    weights: dict[str, Share] | None = None
    temperature: Temperature = 4.0
    comparable: bool = True
    scale_by_temperature: bool = True
    target: Literal["streams", "fused"] = "streams"
    select: Select = "all"
