"""One modality's patches of given recordings, and what training needs to make them anew from series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from trainers.data.device import RecordingRows, take_rows
from trainers.data.patches import Reduce, Reduction, derive_bones, derive_velocities, patches
from trainers.errors import TrainingError

Kind = Literal["series", "skeleton", "video"]


@dataclass(frozen=True)
class ModalityData(RecordingRows):
    """One modality's patches of N recordings; rows are the recordings in order.

    Attributes
    ----------
    name, kind
        The modality's name, without a dot, and what it is.
    features
        (N, P, D) float32 or float16, not standardised.
    valid
        (N, P) bool, False where a recording ended before the patch.
    series
        (N, L, C) aligned samples behind the features, L >= window + (P - 1) * stride, of whole
        recordings; None: no augmentation. A skeleton's channels are joint after joint, x y z each.
    window, stride, reduce, velocities, parents
        How features came from the series, see `trainers.data.patches`; without parents there are no bones.
    vertical_axis
        0, 1 or 2: the skeleton's axis that points up; None: unknown, never rotated.
    """

    name: str
    kind: Kind
    features: Tensor
    valid: Tensor
    series: Tensor | None = None
    window: int = 1
    stride: int = 1
    reduce: Reduce | Reduction = "mean"
    velocities: bool = False
    vertical_axis: int | None = None
    parents: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.features.ndim != 3 or self.valid.shape != self.features.shape[:2]:
            raise TrainingError(
                f"modality {self.name}: features {tuple(self.features.shape)} "
                f"and valid {tuple(self.valid.shape)} must be (N, P, D) and (N, P); encode it again"
            )
        if "." in self.name:
            raise TrainingError(f"modality {self.name!r}: a name must not hold a dot; rename it")
        needed = self.window + (self.shape[0] - 1) * self.stride
        if self.series is not None and (len(self.series) != len(self.features) or self.series.shape[1] < needed):
            raise TrainingError(
                f"modality {self.name}: series {tuple(self.series.shape)} must have "
                f"{len(self.features)} rows and at least {needed} samples; encode it again"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Patches P and features D, as models take them."""
        return self.features.shape[1], self.features.shape[2]

    @property
    def modality(self) -> str:
        """The modality's name; a batch holds its patches under it."""
        return self.name

    def take(self, rows: Tensor) -> Tensor:
        """Return patches (B, P, D) of recordings `rows` ((B,) int64)."""
        return take_rows(self.features, rows).float()

    def derive(self, series: Tensor) -> Tensor:
        """Make patches (B, P, D) of series (B, L, C)."""
        if self.parents:
            series = derive_bones(series, self.parents)
        if self.velocities:
            series = derive_velocities(series)
        return patches(series, self.starts.to(series.device), self.window, self.reduce)

    @property
    def starts(self) -> Tensor:
        """(P,) int64: the first sample of each patch in `series`."""
        return torch.arange(self.shape[0], device=self.features.device) * self.stride


def feature_groups(data: ModalityData) -> Tensor:
    """Number like features alike, (D,) from 0: positions, bones, velocities of each, window means, deviations.

    What a function made of windows is alike with nothing.
    """
    width = data.shape[1]
    if callable(data.reduce):
        return torch.arange(width)
    parts = {"mean": 1, "mean-std": 2, "flatten": data.window}[data.reduce]
    halves = 2 if data.velocities else 1
    if data.kind == "video" or width % (parts * halves):
        return torch.zeros(width, dtype=torch.int64)
    channels = width // (parts * halves)
    bones = 3 * sum(parent != joint for joint, parent in enumerate(data.parents))
    sizes = [channels - bones, bones] if bones else [channels]
    of_one = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))  # a window position's, without velocities
    sample = torch.cat([of_one + len(sizes) * half for half in range(halves)])
    if data.reduce == "flatten":
        return sample.repeat(parts)
    return torch.cat([sample + len(sizes) * halves * part for part in range(parts)])
