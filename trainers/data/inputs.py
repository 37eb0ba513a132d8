"""The forms in which models take a modality: patches, the aligned series behind them, or images of the series.

All forms of one modality come from the same series, so that one augmented copy of it gives all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from trainers.data.device import take_rows, to_device_if_fits
from trainers.data.input_names import input_name
from trainers.data.modality import Kind
from trainers.errors import TrainingError
from trainers.gaf.params import GafParams
from trainers.gaf.render import render
from trainers.gaf.stored import decode

CHUNK = 64  # recordings that are rendered at a time where all are wanted


class Input(Protocol):
    """One form of one modality of N recordings, see `ModalityData` (patches), `SeriesInput` and `ImageInput`.

    Attributes
    ----------
    name
        Its key in a batch: ``inertial``, ``inertial:series``, ``inertial:images``.
    modality, kind, vertical_axis
        As in `trainers.data.modality.ModalityData`.
    series
        (N, L, C) float32 or float16, or None: no augmentation but of features. Like all values it may lie on the CPU,
        even in a file, when the rest is on a GPU that has no room for it, see `trainers.data.device`.
    valid
        (N, P) bool; P is 1 where a recording is valid or not as a whole.
    shape
        Of one recording, as models take it.
    """

    @property
    def name(self) -> str: ...
    @property
    def modality(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def vertical_axis(self) -> int | None: ...
    @property
    def series(self) -> Tensor | None: ...
    @property
    def valid(self) -> Tensor: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    def __len__(self) -> int: ...
    def take(self, rows: Tensor) -> Tensor:
        """Return recordings `rows` (B,) as they are stored, (B, *shape) float32."""
        ...

    def derive(self, series: Tensor) -> Tensor:
        """Make the form of (augmented) series (B, L, C)."""
        ...

    def select(self, rows: Tensor) -> Input: ...
    def to(self, device: torch.device | str) -> Input: ...


@dataclass(frozen=True)
class SeriesInput:
    """The aligned series itself, (L, C)."""

    modality: str
    kind: Kind
    series: Tensor
    valid: Tensor
    vertical_axis: int | None = None

    @property
    def name(self) -> str:
        """``modality:series``."""
        return input_name(self.modality, "series")

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples L and channels C."""
        return tuple(self.series.shape[1:])

    def __len__(self) -> int:
        return len(self.series)

    def take(self, rows: Tensor) -> Tensor:
        """See `Input.take`."""
        return take_rows(self.series, rows).float()

    def derive(self, series: Tensor) -> Tensor:
        """See `Input.derive`."""
        return series

    def select(self, rows: Tensor) -> SeriesInput:
        """Return the recordings at `rows`, in that order."""
        return replace(self, series=self.series[rows], valid=self.valid[rows])

    def to(self, device: torch.device | str) -> SeriesInput:
        """Return the same on a device."""
        return replace(self, series=to_device_if_fits(self.series, device), valid=self.valid.to(device))


@dataclass(frozen=True)
class ImageInput:
    """Gramian angular fields of the series, (fields x C, S, S) in -1..1.

    Attributes
    ----------
    gaf
        How they are rendered.
    images
        (N, fields x C, S, S) as stored, float16 or uint8; None: they are rendered whenever they are read.
    """

    modality: str
    kind: Kind
    series: Tensor
    valid: Tensor
    gaf: GafParams
    images: Tensor | None = None
    vertical_axis: int | None = None

    def __post_init__(self) -> None:
        if self.images is not None and tuple(self.images.shape) != (len(self.series), *self.shape):
            raise TrainingError(
                f"modality {self.modality}: images {tuple(self.images.shape)} must be "
                f"{(len(self.series), *self.shape)}; run the gaf stage again"
            )

    @property
    def name(self) -> str:
        """``modality:images``."""
        return input_name(self.modality, "images")

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels (all summation fields, then all difference fields), rows and columns."""
        fields = 2 if self.gaf.field == "both" else 1
        return fields * self.series.shape[2], self.gaf.size, self.gaf.size

    def __len__(self) -> int:
        return len(self.series)

    def take(self, rows: Tensor) -> Tensor:
        """See `Input.take`."""
        if self.images is not None:
            return decode(take_rows(self.images, rows))
        return render(take_rows(self.series, rows).float(), self.gaf)

    def derive(self, series: Tensor) -> Tensor:
        """See `Input.derive`."""
        return render(series, self.gaf)

    def select(self, rows: Tensor) -> ImageInput:
        """Return the recordings at `rows`, in that order."""
        images = None if self.images is None else self.images[rows]
        return replace(self, series=self.series[rows], valid=self.valid[rows], images=images)

    def to(self, device: torch.device | str) -> ImageInput:
        """Return the same on a device."""
        images = None if self.images is None else to_device_if_fits(self.images, device)
        return replace(self, series=to_device_if_fits(self.series, device), valid=self.valid.to(device), images=images)
