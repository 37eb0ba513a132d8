"""What a stages file may say about encoding series and skeletons; imports neither numpy nor torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from pipeline.stages.encode.timelines.triads import GRAVITY, triad_units
from pipeline.stages.encode.timelines.virtual_params import VirtualParams, virtual_misfit
from pipeline.stages.encode.window_params import WindowParams

Reduce = Literal["mean", "mean-std", "flatten"] | dict[str, Any]
Joint = Annotated[int, Meta(ge=-9_999, le=9_999)]  # one that is read counts from 0, others may be anything


SensorAxis = Literal["none", "x", "y", "z", "-x", "-y", "-z"]


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
    """Inertial and other plain series.

    Attributes
    ----------
    calibrate
        ``rest``: scale each accelerometer so that it measures 1 g where the recording is at rest.
    orient
        Turn each recording so that what an accelerometer measures at rest lies along this axis of its own.
    rest_share
        Length of the stretch that is looked at for rest, as a share of the recording: the quietest one.
    rest_deviation
        Largest deviation, in g, with which that stretch is rest; a recording without rest stays as it is.
    virtual
        A virtual sensor beside the real one, of which the same series is made: rows that training may take instead
        (`augment.virtual`).
    LATER
        As `trainers.params.FitParams.LATER`.
    """

    LATER: ClassVar = ("calibrate", "orient", "rest_share", "rest_deviation", "virtual")

    window: float = 18
    stride: float = 9
    reduce: Reduce = "mean-std"
    calibrate: Literal["none", "rest"] = "none"
    orient: SensorAxis = "none"
    rest_share: Annotated[float, Meta(gt=0, le=1)] = 0.05
    rest_deviation: Annotated[float, Meta(gt=0, le=100)] = 0.1
    virtual: VirtualParams | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in (("calibrate", self.calibrate), ("orient", self.orient)):
            if value != "none" and self.align != "resample":
                raise ValueError(f"{name}: needs align: resample, not {self.align}; leave one of the two out")
        if self.virtual is not None and not self.keep_series:
            raise ValueError("virtual: training takes its series, and keep_series is false; leave one of the two out")

    @property
    def at_rest(self) -> bool:
        """Whether series depend on what is measured at rest."""
        return self.calibrate != "none" or self.orient != "none"

    def misfit(self, units: Sequence[str]) -> tuple[str, str, str] | None:
        """Say what cannot be done with channels of these units: the key, the problem and its remedy."""
        if self.virtual is not None and (problem := virtual_misfit(units)):
            return "virtual", problem, "leave it out, or say the columns' units"
        key = "calibrate" if self.calibrate != "none" else "orient"
        if not self.at_rest:
            return None
        if not units:
            remedy = "say units: g (or m/s2) of its stream, or leave it out"
            return key, "which channels are accelerations is not known", remedy
        try:
            accelerations = [unit in GRAVITY for unit in triad_units(units)]
        except ValueError as error:
            return key, str(error), "choose `channels` in threes, or leave it out"
        if not any(accelerations):
            return key, f"no channel is an acceleration (units: {', '.join(dict.fromkeys(units))})", "leave it out"
        if self.orient != "none" and sum(accelerations) > 1 and not all(accelerations):
            problem = "several accelerometers, and which of them turns with the other channels is not known"
            return "orient", problem, "give each sensor a modality of its own, or leave it out"
        return None


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
    bones
        Append the vector to each joint from its parent as further channels (2s-AGCN, Shi et al. 2019); velocities are
        of these, too.
    parents
        For each joint the number of the joint that it hangs on, its own where it hangs on none; read with ``bones``
        alone.
    LATER
        As `trainers.params.FitParams.LATER`.
    """

    LATER: ClassVar = ("bones", "parents")

    centre: Literal["none", "frame", "first"] = "first"
    scale: Literal["none", "torso"] = "torso"
    orient: Literal["none", "shoulders"] = "none"
    velocities: bool = True
    hip_centre: Joint = 3
    shoulder_centre: Joint = 1
    left_shoulder: Joint = 4
    right_shoulder: Joint = 8
    bones: bool = False
    parents: tuple[Joint, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, joint in self.joints().items():
            if joint < 0:
                raise ValueError(f"{name}: joints count from 0, not {joint}")
        if self.bones and self.parents is None:
            raise ValueError(
                "bones: the source does not say which joint each joint hangs on; add parents: [...], for each joint "
                "the number of its parent, from 0, and its own where it has none"
            )
        if self.bones and (problem := _no_forest(self.parents or ())):
            raise ValueError(f"parents: {problem}")

    def bone_parents(self, streams: int = 1) -> tuple[int, ...]:
        """Return the parents of the joints of all streams, which are alike; none where there are no bones."""
        of_one = (self.parents or ()) if self.bones else ()
        return tuple(parent + len(of_one) * stream for stream in range(streams) for parent in of_one)

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


def _no_forest(parents: tuple[int, ...]) -> str:
    """Return why joints cannot hang on each other so; empty where they can."""
    for joint, parent in enumerate(parents):
        if not 0 <= parent < len(parents):
            return f"joint {joint} hangs on {parent}, and joints are 0 to {len(parents) - 1}"
    for joint in range(len(parents)):
        above = joint
        for _ in parents:
            above = parents[above]
        if parents[above] != above:
            return f"joint {joint} hangs on itself, by way of joint {parents[joint]}"
    return "" if any(parent != joint for joint, parent in enumerate(parents)) else "no joint hangs on another"
