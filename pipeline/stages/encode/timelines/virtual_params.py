"""What a stages file may say of a virtual inertial sensor on a skeleton; imports neither numpy nor torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from pipeline.stages.encode.timelines.triads import GRAVITY, TURNING, triad_units

Chain = tuple[Annotated[int, Meta(ge=0, le=9_999)], Annotated[int, Meta(ge=0, le=9_999)],
              Annotated[int, Meta(ge=0, le=9_999)]]  # fmt: skip
Share = Annotated[float, Meta(ge=0, le=1)]


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where on a body a sensor sits.

    Attributes
    ----------
    joints
        Three numbers, from 0, along a limb: shoulder, elbow, wrist. The sensor is on the bone between the last two; the
        one before gives the plane that it faces.
    at
        Where on that bone: 0 is its first joint, 1 its last.
    """

    joints: Chain
    at: Share = 1.0

    def __post_init__(self) -> None:
        check_limb(self.joints)


def check_limb(joints: Chain) -> None:
    """Raise ValueError where a limb has a joint twice, so that it has no plane."""
    if len({*joints}) < len(joints):
        raise ValueError(f"joints: {list(joints)} has a joint twice; name three along a limb")


class VirtualParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An inertial sensor as a skeleton moves it.

    Attributes
    ----------
    skeleton
        The modality whose joints move it, one of `modalities`; in metres, with y upwards.
    joints, at
        Where it sits, as `Place` says.
    classes
        Where it sits in recordings of some classes; null: they get none.
    rate
        Frames of the skeleton a second, where they are not what its modality says.
    smoothing
        Seconds of the Savitzky-Golay filter of the joints' paths.
    """

    skeleton: str
    joints: Chain
    at: Share = 1.0
    classes: dict[str, Place | None] = {}
    rate: Annotated[float, Meta(gt=0, le=1e6)] | None = None
    smoothing: Annotated[float, Meta(gt=0, le=100)] = 0.3

    def place(self, action: str) -> Place | None:
        """Return where the sensor sits in a recording of an action; None where it has none."""
        return self.classes.get(action, Place(self.joints, self.at))


def virtual_misfit(units: Sequence[str]) -> str:
    """Say why no virtual sensor has channels of these units; empty where one has."""
    if not units:
        return "its channels' units are not known"
    try:
        kinds = triad_units(units)
    except ValueError as error:
        return str(error)
    forces, turnings = sum(kind in GRAVITY for kind in kinds), sum(kind in TURNING for kind in kinds)
    if forces + turnings < len(kinds):
        return f"a skeleton tells nothing of channels in {', '.join({*kinds} - {*GRAVITY, *TURNING})}"
    return "it is more than one sensor" if max(forces, turnings) > 1 else ""
