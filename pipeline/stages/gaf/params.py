"""What a stages file may say about the gaf stage, and what the stage reads; imports neither numpy nor torch."""

from __future__ import annotations

from typing import Literal

import msgspec

from trainers.gaf.params import GafParams


class GafStageParams(GafParams, frozen=True, forbid_unknown_fields=True):
    """How images are rendered and kept.

    Attributes
    ----------
    dtype
        How images are stored.
    render
        ``ahead``: store images; ``on-the-fly``: store the series alone, training renders what it reads.
    renderer
        ``fused``: ours; ``pyts``: the library, slower, not for images larger than the series.
    """

    dtype: Literal["float16", "uint8"] = "float16"
    render: Literal["ahead", "on-the-fly"] = "ahead"
    renderer: Literal["fused", "pyts"] = "fused"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.renderer == "pyts" and self.render == "on-the-fly":
            raise ValueError("renderer: pyts renders ahead only; set render: ahead or renderer: fused")


class GafRecipe(msgspec.Struct, frozen=True):
    """What the stage reads of its recipe: which modality is rendered, and how."""

    modality: str
    params: GafStageParams


class GafWork(msgspec.Struct, frozen=True):
    """What is not in the recipe: the id of the step that encoded the modality."""

    features: str
