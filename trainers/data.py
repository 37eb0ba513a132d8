"""A fold's recordings on the training device: modalities, labels and, for training, augmentation."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from trainers.augment import Augmenter, draw_time
from trainers.batch import Batch
from trainers.errors import TrainingError
from trainers.modality import ModalityData
from trainers.params import AugmentParams


class RecordingData:
    """Recordings as batches of raw patches; see `trainers.batch.Batch`.

    Parameters
    ----------
    modalities
        Rows are the same recordings in the same order.
    labels
        (N,) int64.
    augment
        Applied to batches that are drawn with a generator; None never augments.
    """

    def __init__(
        self, modalities: Iterable[ModalityData], labels: Tensor, augment: AugmentParams | None = None
    ) -> None:
        self.modalities = {data.name: data for data in modalities}
        self.labels = labels.long()
        self.augment = augment
        for data in self.modalities.values():
            if len(data) != len(labels):
                raise TrainingError(
                    f"modality {data.name}: {len(data)} rows for {len(labels)} labels; give both the same recordings"
                )
        self._masked = [name for name, data in self.modalities.items() if not bool(data.valid.all())]
        self._augmenters = {name: Augmenter(data, augment) for name, data in self.modalities.items()} if augment else {}

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """Patches and features (P, D) of each modality, as models take them."""
        return {name: data.shape for name, data in self.modalities.items()}

    def to(self, device: torch.device | str) -> RecordingData:
        """Return the same on a device."""
        moved = (data.to(device) for data in self.modalities.values())
        return RecordingData(moved, self.labels.to(device), self.augment)

    def batch(self, rows: Tensor, generator: torch.Generator | None = None) -> Batch:
        """Return recordings `rows` ((B,) int64, on the data's device), augmented if a generator is given."""
        if generator is None or self.augment is None:
            inputs = {name: data.features[rows] for name, data in self.modalities.items()}
        else:
            time = draw_time(len(rows), self.augment, rows.device, generator)
            inputs = {name: draw(rows, time, generator) for name, draw in self._augmenters.items()}
        valid = {name: self.modalities[name].valid[rows] for name in self._masked}
        return {"inputs": inputs, "valid": valid, "labels": self.labels[rows]}
