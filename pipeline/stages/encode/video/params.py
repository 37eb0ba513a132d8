"""What a stages file may say about encoding video; imports neither numpy nor torch."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from pipeline.stages.encode.window_params import WindowParams


class DepthRange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Millimetres that become 0 and 1; see `pipeline.stages.encode.video.frames`."""

    near: float = 500
    far: float = 4500

    def __post_init__(self) -> None:
        if not 0 <= self.near < self.far <= 1e9:
            raise ValueError(
                f"depth: near ({self.near:g}) must be at least 0 and below far ({self.far:g}), in mm to 1e9"
            )


class VideoParams(WindowParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """RGB or depth video through a frozen network.

    Attributes
    ----------
    backbone
        Name of a torchvision classification model, ``bn_inception``, or ``timm/NAME``; or a plug-in's, by its
        ``name`` and parameters.
    weights
        A name of torchvision's enumeration (``IMAGENET1K_V1``; not ``DEFAULT``, which changes its meaning
        between versions) or of timm's tags (``ra_in1k``), a .pth or .safetensors file (relative to the stages file), or
        ``none``: random weights from a fixed seed, so that features are random projections; of a plug-in, as its class
        makes it.
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
    backbone: str | dict[str, Any] = "resnet50"
    weights: str = "IMAGENET1K_V1"
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
        if self.weights == "DEFAULT":
            raise ValueError("weights: DEFAULT means other weights in other versions of torchvision; name them")
