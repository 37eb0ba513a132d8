"""The forms in which models take a modality: patches, the aligned series behind them, or images of the series.

All forms of one modality come from the same series, so that one augmented copy of it gives all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from trainers.data.device import RecordingRows, take_rows
from trainers.data.input_names import Form, input_name
from trainers.data.modality import Kind, ModalityData
from trainers.errors import TrainingError
from trainers.gaf.params import GafParams
from trainers.gaf.render import render
from trainers.gaf.stored import decode

CHUNK = 64  # recordings that are rendered at a time where all are wanted


@dataclass(frozen=True)
class _SeriesForm(RecordingRows):
    """What the forms that are made of a series have in common.

    Attributes
    ----------
    modality, kind, vertical_axis
        As in `trainers.data.modality.ModalityData`.
    series
        (N, L, C) float32 or float16. Like all values it may lie on the CPU, even in a file, when the rest is on a GPU
        that has no room for it, see `trainers.data.device`.
    valid
        (N, 1) bool: a recording is valid or not as a whole.
    """

    form: ClassVar[Form]
    modality: str
    kind: Kind
    series: Tensor
    valid: Tensor
    vertical_axis: int | None = field(default=None, kw_only=True)

    @property
    def name(self) -> str:
        """``modality:series`` or ``modality:images``."""
        return input_name(self.modality, self.form)


@dataclass(frozen=True)
class SeriesInput(_SeriesForm):
    """The aligned series itself, (L, C)."""

    form = "series"

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples L and channels C."""
        return tuple(self.series.shape[1:])

    def take(self, rows: Tensor) -> Tensor:
        """Return recordings `rows` (B,) as they are stored, (B, *shape) float32."""
        return take_rows(self.series, rows).float()

    def derive(self, series: Tensor) -> Tensor:
        """Make the form of (augmented) series (B, L, C)."""
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

    form = "images"
    gaf: GafParams
    images: Tensor | None = None

    def __post_init__(self) -> None:
        expected = (len(self.series), *self.shape)
        if self.images is not None and tuple(self.images.shape) != expected:
            raise TrainingError(
                f"modality {self.modality}: images {tuple(self.images.shape)} must be {expected}; "
                "run the gaf stage again"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels (all summation fields, then all difference fields), rows and columns."""
        return len(self.gaf.fields) * self.series.shape[2], self.gaf.size, self.gaf.size

    def take(self, rows: Tensor) -> Tensor:
        """Return recordings `rows` (B,) as they are stored, (B, *shape) float32."""
        if self.images is not None:
            return decode(take_rows(self.images, rows))
        return render(take_rows(self.series, rows).float(), self.gaf)

    def derive(self, series: Tensor) -> Tensor:
        """Make the form of (augmented) series (B, L, C)."""
        return render(series, self.gaf)


# One form of one modality of N recordings. `name` is its key in a batch (``inertial:series``), `shape` that of one
# recording as models take it, `take` reads recordings (B, *shape) as they are stored, `derive` makes the form of
# (augmented) series (B, L, C).
Input = ModalityData | SeriesInput | ImageInput
