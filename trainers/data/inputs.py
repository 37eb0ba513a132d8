"""The forms in which models take a modality: patches, the aligned series behind them, or images of the series.

All forms of one modality come from the same series, so that one augmented copy of it gives all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

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
class _SeriesForm:
    """What the forms that are made of a series have in common."""

    modality: str
    kind: Kind
    series: Tensor
    valid: Tensor

    def __len__(self) -> int:
        return len(self.series)

    def select(self, rows: Tensor) -> Self:
        """Return the recordings at `rows`, in that order."""
        return self._map(lambda values: values[rows], valid=self.valid[rows])

    def to(self, device: torch.device | str) -> Self:
        """Return the same on a device."""
        return self._map(lambda values: to_device_if_fits(values, device), valid=self.valid.to(device))

    def _map(self, change: Callable[[Tensor], Tensor], valid: Tensor) -> Self:
        # stored images come before the series on a GPU: where they are, the series is read in augmentation alone
        present = [name for name in ("images", "series") if getattr(self, name, None) is not None]
        changed: dict[str, Any] = {name: change(getattr(self, name)) for name in present}
        return replace(self, valid=valid, **changed)


@dataclass(frozen=True)
class SeriesInput(_SeriesForm):
    """The aligned series itself, (L, C)."""

    vertical_axis: int | None = None

    @property
    def name(self) -> str:
        """``modality:series``."""
        return input_name(self.modality, "series")

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples L and channels C."""
        return tuple(self.series.shape[1:])

    def take(self, rows: Tensor) -> Tensor:
        """See `Input.take`."""
        return take_rows(self.series, rows).float()

    def derive(self, series: Tensor) -> Tensor:
        """See `Input.derive`."""
        return series


@dataclass(frozen=True)
class ImageInput(_SeriesForm):
    """Gramian angular fields of the series, (fields x C, S, S) in -1..1.

    Attributes
    ----------
    gaf
        How they are rendered.
    images
        (N, fields x C, S, S) as stored, float16 or uint8; None: they are rendered whenever they are read.
    """

    gaf: GafParams
    images: Tensor | None = None
    vertical_axis: int | None = None

    def __post_init__(self) -> None:
        expected = (len(self.series), *self.shape)
        if self.images is not None and tuple(self.images.shape) != expected:
            raise TrainingError(
                f"modality {self.modality}: images {tuple(self.images.shape)} must be {expected}; "
                "run the gaf stage again"
            )

    @property
    def name(self) -> str:
        """``modality:images``."""
        return input_name(self.modality, "images")

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels (all summation fields, then all difference fields), rows and columns."""
        return len(self.gaf.fields) * self.series.shape[2], self.gaf.size, self.gaf.size

    def take(self, rows: Tensor) -> Tensor:
        """See `Input.take`."""
        if self.images is not None:
            return decode(take_rows(self.images, rows))
        return render(take_rows(self.series, rows).float(), self.gaf)

    def derive(self, series: Tensor) -> Tensor:
        """See `Input.derive`."""
        return render(series, self.gaf)
