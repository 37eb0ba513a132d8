"""Parameters of the robustness stage as a user types them. No torch and no numpy: planning reads these."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Decibels = Annotated[float, Meta(ge=-60, le=120)]
Share = Annotated[float, Meta(gt=0, lt=1)]
Seconds = Annotated[float, Meta(gt=0, le=3600)]
Degrees = Annotated[float, Meta(gt=0, le=180)]
Vote = Literal["plain", "weighted"]


class RobustnessParams(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What trained models are tested under; each harm at each strength, on one modality at a time.

    Attributes
    ----------
    absent
        Whether every subset of the model's modalities is tested, the others absent.
    noise
        White noise, at these ratios of signal to noise in dB.
    packet_loss
        Shares of the packets that are lost; the value before is held.
    saturation
        A sensor that saturates at these shares of the channel's training range.
    clock_offset
        A clock that is late by so many seconds.
    clock_drift
        A clock that is fast by these shares.
    rotation
        A sensor that is mounted at these angles in degrees to where it was.
    seed
        Of noise, lost packets and axes: the same for all models.
    vote
        How streams vote: each alike, or ``weighted`` by its accuracy on the recordings set apart from training, or on
        the training side where there are none.
    """

    absent: bool = True
    noise: tuple[Decibels, ...] = (20.0, 10.0, 0.0)
    packet_loss: tuple[Share, ...] = (0.1, 0.3, 0.5)
    saturation: tuple[Share, ...] = (0.75, 0.5, 0.25)
    clock_offset: tuple[Seconds, ...] = (0.1, 0.25, 0.5)
    clock_drift: tuple[Share, ...] = (0.01, 0.02, 0.05)
    rotation: tuple[Degrees, ...] = (15.0, 45.0, 90.0)
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    vote: Vote = "plain"
