"""What a stages file may say about depth motion maps; imports neither numpy nor torch."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from pipeline.stages.encode.video.params import DepthRange
from pipeline.stages.encode.window_params import WindowParams

BLOCK = 2  # rows and columns of cells whose histograms are normalised together; blocks overlap, one cell apart


class MotionMapParams(WindowParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Depth video as motion maps from three views, described by histograms of oriented gradients; no network.

    Attributes
    ----------
    reduce
        ``motion-maps``: what sets this apart from a network's features.
    window, stride, patches, align
        As for other kinds, where a sample is what changes from one frame to the next.
    depth
        Readings nearer or farther count as none.
    depth_step
        Millimetres of depth that are a pixel of the side and top views.
    image_size
        Side of the square that each map is resized to, in pixels.
    cell
        Side of a cell of the histograms, in pixels of that square.
    orientations
        Equal parts of 0 to 180 degrees that a cell counts.
    """

    reduce: Literal["motion-maps"]
    window: float = 10
    stride: float = 10
    patches: int = 6
    depth: DepthRange = DepthRange()
    depth_step: Annotated[float, Meta(ge=1, le=10_000)] = 25
    image_size: Annotated[int, Meta(ge=8, le=1024)] = 64
    cell: Annotated[int, Meta(ge=2, le=512)] = 16
    orientations: Annotated[int, Meta(ge=2, le=180)] = 9

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cell * BLOCK > self.image_size:
            most = self.image_size // BLOCK
            raise ValueError(
                f"cell: {self.cell} leaves no two cells in {self.image_size} pixels; choose at most {most}"
            )
