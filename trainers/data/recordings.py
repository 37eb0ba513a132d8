"""A fold's recordings on the training device: inputs, labels and, for training, augmentation."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from trainers.data.augment import Augmenter, draw_time
from trainers.data.batch import Batch, Inputs
from trainers.data.device import indexed_device
from trainers.data.inputs import Input
from trainers.data.mixing.mixup import draw_shares, mix
from trainers.data.modality_dropout import draw_present, hide
from trainers.data.pairing import WrongPairing
from trainers.errors import TrainingError
from trainers.params import AugmentParams, Pairing


class RecordingData:
    """Recordings as batches of raw inputs; see `trainers.data.batch.Batch`.

    Parameters
    ----------
    inputs
        Rows are the same recordings in the same order. Inputs of one modality have the same series, and get
        the same augmented copy of it: a teacher and a student that take different forms see one trial.
    labels
        (N,) int64.
    augment
        Applied to batches that are drawn with a generator; None never augments.
    trained
        The inputs of the model that is trained, which modality dropout hides; where empty, all are.
    pairing
        Whether a teacher sees the same recording in batches that are drawn with a generator, an augmented copy of its
        own (``copy``), or another recording.
    """

    def __init__(
        self,
        inputs: Iterable[Input],
        labels: Tensor,
        augment: AugmentParams | None = None,
        trained: Sequence[str] = (),
        pairing: Pairing = "recording",
    ) -> None:
        self.inputs = {data.name: data for data in inputs}
        self.labels = labels.long()
        self.augment = augment
        self.trained = tuple(trained or self.inputs)
        self.pairing = pairing
        self._partners = WrongPairing(self.labels, pairing) if pairing in ("class", "other-class") else None
        self._masked = [name for name, data in self.inputs.items() if not bool(data.valid.all())]
        self._augmenters: dict[str, Augmenter] = {}
        for data in self.inputs.values():
            if len(data) != len(labels):
                raise TrainingError(
                    f"modality {data.name}: {len(data)} rows for {len(labels)} labels; give both the same recordings"
                )
            if augment is None:
                continue
            if data.modality not in self._augmenters:
                self._augmenters[data.modality] = Augmenter(data, augment)
            _check_same_series(self._augmenters[data.modality].data, data)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one recording of each input, as models take them."""
        return {name: data.shape for name, data in self.inputs.items()}

    def to(self, device: torch.device | str) -> RecordingData:
        """Return the same on a device: itself where it is there."""
        device = indexed_device(device)
        if self.labels.device == device:
            return self
        moved = copy.copy(self)
        moved.labels = self.labels.to(device)
        moved._partners = self._partners.to(device) if self._partners is not None else None
        moved.inputs = {name: data.to(device) for name, data in self.inputs.items()}
        moved._augmenters = {
            modality: each.on(moved.inputs[each.data.name]) for modality, each in self._augmenters.items()
        }
        return moved

    def batch(self, rows: Tensor, generator: torch.Generator | None = None) -> Batch:
        """Return recordings `rows` ((B,) int64, on the data's device), augmented if a generator is given."""
        own, shares = self._inputs(rows, generator), None
        if generator is not None and self.augment is not None and self.augment.mixup:
            shares = draw_shares(len(rows), self.augment.mixup, generator)
            own = mix(own, shares)
        batch: Batch = {"inputs": own["inputs"], "valid": own["valid"], "labels": self.labels[rows]}
        if shares is not None:
            batch["shares"] = shares
        if generator is not None and self.augment is not None and self.augment.modality_dropout:
            present = draw_present(len(rows), len(self.trained), self.augment.modality_dropout, generator)
            stored = {name: self.inputs[name].valid[rows] for name in self.trained}
            batch["seen"] = hide(stored | own["valid"], self.trained, present)
        if generator is not None and self.pairing != "recording":
            others = self._partners.draw(rows, generator) if self._partners is not None else rows
            batch["teacher"] = self._inputs(others, generator)
        return batch

    def _inputs(self, rows: Tensor, generator: torch.Generator | None) -> Inputs:
        if generator is None or self.augment is None:
            inputs = {name: data.take(rows) for name, data in self.inputs.items()}
        else:
            inputs = self._augmented(rows, self.augment, generator)
        return {"inputs": inputs, "valid": {name: self.inputs[name].valid[rows] for name in self._masked}}

    def _augmented(self, rows: Tensor, params: AugmentParams, generator: torch.Generator) -> dict[str, Tensor]:
        time = draw_time(len(rows), params, rows.device, generator)
        copies: dict[str, Tensor] = {}
        inputs: dict[str, Tensor] = {}
        for name, data in self.inputs.items():
            augmenter = self._augmenters[data.modality]
            if data.series is None:
                inputs[name] = augmenter.features(rows, time, generator)
                continue
            if data.modality not in copies:
                copies[data.modality] = augmenter.series(rows, time, generator)
            inputs[name] = data.derive(copies[data.modality])
        return inputs


def _check_same_series(one: Input, other: Input) -> None:
    if one is other or (one.series is None and other.series is None):
        return
    if one.series is None or other.series is None or not torch.equal(one.series, other.series):
        raise TrainingError(
            f"{one.name} and {other.name} are not of the same series, so that no augmented copy can give both; "
            "take both from one encode entry"
        )
