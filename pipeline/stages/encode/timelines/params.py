"""What a stages file may say about encoding series and skeletons; imports neither numpy nor torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from pipeline.stages.encode.window_params import WindowParams

Reduce = Literal["mean", "mean-std", "flatten"] | dict[str, Any]
Joint = Annotated[int, Meta(ge=-9_999, le=9_999)]  # one that is read counts from 0, others may be anything


class TimelineParams(WindowParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What series and skeletons have in common.

    Attributes
    ----------
    reduce
        What a window becomes: the mean, mean and standard deviation, or all its samples; or what a plug-in makes of it,
        by its ``name`` and parameters.
    keep_series
        Store the aligned series beside the patches, so that training can augment before pooling.
    """

    reduce: Reduce = "mean"
    keep_series: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.keep_series and self.align != "resample":
            raise ValueError(f"keep_series: needs align: resample, not {self.align}; set keep_series: false")


class SeriesParams(TimelineParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Inertial and other plain series."""

    window: float = 18
    stride: float = 9
    reduce: Reduce = "mean-std"


class SkeletonParams(TimelineParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Joints over time; joint numbers count from 0, the defaults are UTD-MHAD's order.

    Attributes
    ----------
    centre
        Subtract the hip centre of each ``frame`` or of the ``first``.
    scale
        ``torso``: divide by the distance of hip centre and shoulder centre in the first frame.
    orient
        ``shoulders``: turn about the vertical so that the first frame's shoulder line lies along x.
    velocities
        Append the change per sample of the aligned timeline as further channels.
    """

    centre: Literal["none", "frame", "first"] = "first"
    scale: Literal["none", "torso"] = "torso"
    orient: Literal["none", "shoulders"] = "none"
    velocities: bool = True
    hip_centre: Joint = 3
    shoulder_centre: Joint = 1
    left_shoulder: Joint = 4
    right_shoulder: Joint = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, joint in self.joints().items():
            if joint < 0:
                raise ValueError(f"{name}: joints count from 0, not {joint}")

    def joints(self) -> dict[str, int]:
        """Return the joints that the chosen normalisation reads, by key."""
        used: dict[str, int] = {}
        if self.centre != "none" or self.scale != "none" or self.orient != "none":
            used["hip_centre"] = self.hip_centre
        if self.scale != "none":
            used["shoulder_centre"] = self.shoulder_centre
        if self.orient != "none":
            used |= {"left_shoulder": self.left_shoulder, "right_shoulder": self.right_shoulder}
        return used
