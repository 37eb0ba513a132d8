"""What a stages file may say about encoding a modality; imports neither numpy nor torch."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

Unit = Literal["samples", "seconds"]
Align = Literal["resample", "spread", "pad", "truncate"]
Dtype = Literal["float32", "float16"]


class WindowParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a recording becomes patches.

    Attributes
    ----------
    window, stride
        Length of a window and the step between two, in `unit`; seconds count at the modality's nominal rate.
    patches
        P, the number of windows of every recording (given, never derived from the data).
    align
        ``resample``: stretch each recording to ``window + (patches - 1) * stride`` samples by relative time.
        ``spread``: P windows of fixed duration, evenly spread (`stride` is not used).
        ``pad``: windows from the start; missing ones are zero and not valid, windows beyond P are dropped.
        ``truncate``: the first P windows; a shorter recording counts as broken.
    dtype
        How features are stored.
    """

    window: float = 6
    stride: float = 3
    unit: Unit = "samples"
    patches: int = 20
    align: Align = "resample"
    dtype: Dtype = "float32"

    def __post_init__(self) -> None:
        for name, value in (("window", self.window), ("stride", self.stride)):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name}: must be greater than 0, not {value:g}")
            if self.unit == "samples" and value != int(value):
                raise ValueError(f"{name}: {value:g} is not a whole number of samples; round it or set unit: seconds")
        if self.patches < 1:
            raise ValueError(f"patches: must be at least 1, not {self.patches}")


class SeriesParams(WindowParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Inertial and other plain series.

    Attributes
    ----------
    reduce
        What a window becomes: the mean, mean and standard deviation, or all its samples.
    keep_series
        Store the aligned series beside the patches, so that training can augment before pooling.
    """

    window: float = 18
    stride: float = 9
    reduce: Literal["mean", "mean-std", "flatten"] = "mean-std"
    keep_series: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _keep_series_needs_resample(self.keep_series, self.align)


class SkeletonParams(WindowParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
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

    reduce: Literal["mean", "mean-std", "flatten"] = "mean"
    centre: Literal["none", "frame", "first"] = "first"
    scale: Literal["none", "torso"] = "torso"
    orient: Literal["none", "shoulders"] = "none"
    velocities: bool = True
    keep_series: bool = True
    hip_centre: int = 3
    shoulder_centre: int = 1
    left_shoulder: int = 4
    right_shoulder: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        _keep_series_needs_resample(self.keep_series, self.align)
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


class DepthRange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Millimetres that become 0 and 1; see `pipeline.stages.encode.frames`."""

    near: float = 500
    far: float = 4500

    def __post_init__(self) -> None:
        if not 0 <= self.near < self.far < math.inf:
            raise ValueError(f"depth: near ({self.near:g}) must be at least 0 and below far ({self.far:g}), in mm")


class VideoParams(WindowParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """RGB or depth video through a frozen network.

    Attributes
    ----------
    backbone
        Name of a torchvision classification model.
    weights
        A name of torchvision's enumeration (``DEFAULT``, ``IMAGENET1K_V1``), a .pth or .safetensors file
        (relative to the stages file), or ``none``: random weights from a fixed seed, so that features are
        random projections.
    image_size
        Side of the square that frames are resized to, in pixels.
    crop
        ``person`` (depth without background): the square around all pixels that ever have a reading.
    pool
        Average a window's ``frames`` before the network, as the paper does, or its ``features`` after it.
    precision
        Compute precision of the network.
    """

    window: float = 3
    backbone: str = "resnet50"
    weights: str = "DEFAULT"
    image_size: int = 224
    crop: Literal["none", "person"] = "none"
    depth: DepthRange = DepthRange()
    pool: Literal["frames", "features"] = "frames"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 8 <= self.image_size <= 4096:
            raise ValueError(f"image_size: must be 8 to 4096 pixels, not {self.image_size}")
        if not self.backbone or not self.weights:
            raise ValueError("backbone, weights: must not be empty; for random weights say weights: none")


def _keep_series_needs_resample(keep_series: bool, align: Align) -> None:
    if keep_series and align != "resample":
        raise ValueError(f"keep_series: needs align: resample, not {align}; set keep_series: false")


EncodeParams = SeriesParams | SkeletonParams | VideoParams

PARAMS: dict[str, type[SeriesParams] | type[SkeletonParams] | type[VideoParams]] = {
    "series": SeriesParams,
    "skeleton": SkeletonParams,
    "video": VideoParams,
}


def is_weights_file(weights: str) -> bool:
    """Tell a file from a name of torchvision's enumeration and from ``none``."""
    return weights.endswith((".pth", ".safetensors"))
