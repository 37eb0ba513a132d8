"""Training recordings as a model that is solved reads them: in chunks, as often as it likes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from trainers.data.batch import RowBatch
from trainers.data.recordings import RecordingData

CHUNK = 64  # rows


@dataclass(frozen=True)
class Rows:
    """Recordings, then augmented copies of all of them, standardised; see `trainers.data.batch.TrainingRows`.

    Attributes
    ----------
    copies
        Of each recording, drawn by the data's augmentation; the same whenever they are read.
    seed
        Of the copies.
    """

    data: RecordingData
    standardiser: nn.Module
    copies: int
    seed: int

    def __len__(self) -> int:
        return len(self.data) * (1 + self.copies)

    def __iter__(self) -> Iterator[RowBatch]:
        device = self.data.labels.device
        noise = torch.Generator(device).manual_seed(self.seed)
        for copy in range(1 + self.copies):
            for rows in torch.split(torch.arange(len(self.data), device=device), CHUNK):
                batch = self.data.batch(rows, noise if copy else None)
                yield {**batch, "inputs": self.standardiser(batch["inputs"]), "recordings": rows}
