"""What a stages file may say about windows, for every kind of modality; imports neither numpy nor torch."""

from __future__ import annotations

from typing import Literal

import msgspec

Unit = Literal["samples", "seconds"]
Align = Literal["resample", "spread", "pad", "truncate"]
Dtype = Literal["float32", "float16"]
_LONGEST = 10_000_000  # samples or seconds that the patches of a recording span
_MOST_PATCHES = 100_000


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
            if not 0 < value <= _LONGEST:
                raise ValueError(f"{name}: must be greater than 0 and at most {_LONGEST}, not {value:g}")
            if self.unit == "samples" and value != int(value):
                raise ValueError(f"{name}: {value:g} is not a whole number of samples; round it or set unit: seconds")
        if not 1 <= self.patches <= _MOST_PATCHES:
            raise ValueError(f"patches: must be at least 1 and at most {_MOST_PATCHES}, not {self.patches}")
        if (whole := self.window + (self.patches - 1) * self.stride) > _LONGEST:
            raise ValueError(
                f"patches: they span {whole:g} {self.unit}, {_LONGEST} at most; choose fewer or shorter ones"
            )
